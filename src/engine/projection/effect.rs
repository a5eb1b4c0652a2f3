//! What bans have come to: looked at in the packet filters, where nothing is changed for it.

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
        for ((jail, _), gates) in self.books.gates_of(None) {
            for gate in gates {
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

/// The host of a ban, if a gate is the one for it.
fn wanted(gate: &Gate, ban: &Ban) -> Option<Addr> {
    ban.host.addr().filter(|addr| gate.is_for(*addr))
}
