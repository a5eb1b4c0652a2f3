//! What bans have come to: looked at in the packet filters, where nothing is changed for it.

use serde::{Deserialize, Serialize};

use super::books::Books;
use crate::enforce::{Gate, Kernel, KernelError};
use crate::model::{Addr, Ban};
use crate::store::{Reader, StoreError};

/// What was put in, and the kernel to ask about it.
#[derive(Debug)]
pub struct Effects {
    books: Books,
    kernel: Kernel,
    /// Whether this process may not even look.
    is_blind: bool,
}

impl Effects {
    /// Of what was put in by what the store says.
    pub fn new(reader: &Reader) -> Result<Self, StoreError> {
        let books = Books::read(reader)?;
        Ok(Self { books, kernel: Kernel::default(), is_blind: false })
    }

    /// Whether nothing was put into a packet filter.
    pub fn is_empty(&self) -> bool {
        self.books.gates_of(None).next().is_none()
    }

    /// How many packets of the host of each ban were kept out since it was put in; `None` where nobody has counted, or
    /// this process may not look. Each host is asked for by itself, however many others are banned, where the packet
    /// filter has such a question.
    pub fn packets(&mut self, bans: &[Ban]) -> Vec<Option<u64>> {
        let mut sums = vec![None; bans.len()];
        let mut asked: Vec<(&str, &Gate)> = Vec::new();
        for ((jail, _), gates) in self.books.gates_of(None) {
            for gate in gates {
                // Actions of a jail may have their hosts in the same place.
                if asked.iter().any(|(other, known)| other == jail && known.is_same_place(gate)) {
                    continue;
                }
                asked.push((jail, gate));
                let own = bans.iter().enumerate().filter(|(_, ban)| ban.jail == *jail);
                let own: Vec<(usize, Addr)> =
                    own.filter_map(|(place, ban)| Some((place, wanted(gate, ban)?))).collect();
                if own.is_empty() || self.is_blind {
                    continue;
                }
                let addrs: Vec<Addr> = own.iter().map(|(_, addr)| *addr).collect();
                let counted = match self.kernel.packets(gate, &addrs) {
                    Ok(counted) => counted,
                    Err(KernelError::NotPermitted) => {
                        self.is_blind = true;
                        continue;
                    }
                    // Whatever keeps it from being looked at, 'f2b restore' tells.
                    Err(_) => continue,
                };
                for ((place, _), count) in own.into_iter().zip(counted) {
                    sums[place] = sums[place].map_or(count, |sum| Some(sum + count.unwrap_or(0)));
                }
            }
        }
        sums
    }
}

impl Effects {
    /// What most likely makes a ban do nothing, to a host that goes on failing; `None` if this process may not look.
    pub fn cause(&mut self, ban: &Ban) -> Option<Cause> {
        let gates: Vec<Gate> = self
            .books
            .gates_of(Some(&ban.jail))
            .flat_map(|(_, gates)| gates)
            .filter(|gate| wanted(gate, ban).is_some())
            .cloned()
            .collect();
        if gates.is_empty() {
            return Some(Cause::Commands);
        }
        let packets = self.packets(std::slice::from_ref(ban)).pop().flatten();
        if self.is_blind {
            return None;
        }
        let accepting = gates.iter().find_map(|gate| self.kernel.accepting(gate).ok().flatten());
        if let Some(chain) = accepting {
            return Some(Cause::Established { chain });
        }
        let mut rules: Vec<_> = gates.iter().flat_map(Gate::packets).collect();
        rules.retain(|rule| !rule.is_empty());
        Some(match packets {
            Some(0) => Cause::Unmet { rules },
            Some(packets) => Cause::Elsewhere { packets, rules },
            None => Cause::Uncounted { rules },
        })
    }
}

/// What most likely makes a ban do nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// A rule before f2b's accepts established connections: who is connected stays so.
    Established {
        /// The chain that it stands in, or leads to it.
        chain: String,
    },
    /// No packet of the host has come by: the service has another port, or is reached in another way.
    Unmet {
        /// Which packets would, as the packet filter has it; empty for all.
        rules: Vec<String>,
    },
    /// Packets were kept out, and others come.
    Elsewhere {
        /// How many were kept out.
        packets: u64,
        /// Which are.
        rules: Vec<String>,
    },
    /// Nobody counts the host's packets.
    Uncounted {
        /// Which are kept out.
        rules: Vec<String>,
    },
    /// Commands were run, of which f2b does not know what they do.
    Commands,
}

/// The host of a ban, if a gate is the one for it.
fn wanted(gate: &Gate, ban: &Ban) -> Option<Addr> {
    ban.host.addr().filter(|addr| gate.is_for(*addr))
}
