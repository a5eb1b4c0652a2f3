//! The kernel's packet filters, looked at and changed gate by gate.
//!
//! What is to be done is [`Step`]s, made of a gate and what was found of it; [`Kernel::take`] does them. Steps for many
//! gates are put together, so that 20 jails are as many processes as one.

use std::collections::BTreeMap;

use super::gate::{Gate, Place};
use super::netfilter::netlink::{Ipset, IpsetHead, NetlinkError, Nftables};
use super::netfilter::{Chain, Jumps, Step, ToolError, ipset, iptables, nftables, tool};
use super::plan::{Changes, Held, ranges};
use crate::model::{Addr, Time};

/// The packet filters of the network namespace that this process is in.
#[derive(Debug, Default)]
pub struct Kernel {
    netlink: Option<Nftables>,
    ipset: Option<Ipset>,
    /// Whether rules of a program of iptables are such of nf_tables.
    are_told: BTreeMap<String, bool>,
}

/// What the kernel has of a gate.
#[derive(Debug)]
pub struct Found {
    seen: Seen,
    /// Whether it was made for other parameters.
    is_outdated: bool,
}

#[derive(Debug)]
enum Seen {
    Nftables(nftables::Seen),
    Iptables(iptables::Seen),
    Ipset(ipset::Seen),
}

/// Why the kernel is not as it ought to be.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// This process may not change it.
    #[error("changing the firewall needs root (CAP_NET_ADMIN)")]
    NotPermitted,
    /// What was to be changed isn't there: somebody has taken it out.
    #[error("what f2b put into the firewall is gone")]
    Gone,
    /// A tool's word.
    #[error(transparent)]
    Tool(ToolError),
    /// The kernel's.
    #[error(transparent)]
    Netlink(NetlinkError),
}

impl From<ToolError> for KernelError {
    fn from(error: ToolError) -> Self {
        match &error {
            ToolError::Failed { said, .. } if tool::is_forbidden(said) => Self::NotPermitted,
            _ => Self::Tool(error),
        }
    }
}

impl From<NetlinkError> for KernelError {
    fn from(error: NetlinkError) -> Self {
        match error {
            NetlinkError::NotPermitted { .. } => Self::NotPermitted,
            NetlinkError::NoSuch { .. } => Self::Gone,
            error => Self::Netlink(error),
        }
    }
}

impl Found {
    /// Whether nothing of the gate has to be made; its hosts are another matter.
    pub fn is_whole(&self) -> bool {
        if self.is_outdated {
            return false;
        }
        match &self.seen {
            Seen::Nftables(seen) => seen.is_whole(),
            Seen::Iptables(seen) => seen.is_whole(),
            Seen::Ipset(seen) => seen.is_whole(),
        }
    }

    /// Takes what is there for rules that other parameters have led to: all of them are made anew. The kernel has its
    /// own words for what rules say, so that reading them wouldn't tell.
    pub fn outdate(&mut self) {
        self.is_outdated = true;
        if let Seen::Iptables(seen) = &mut self.seen {
            seen.outdate();
        }
    }

    /// Whether it was.
    pub fn is_outdated(&self) -> bool {
        self.is_outdated
    }

    /// Whether anything of the gate is there.
    pub fn is_there(&self) -> bool {
        match &self.seen {
            Seen::Nftables(seen) => seen.is_there,
            Seen::Iptables(seen) => seen.is_there,
            Seen::Ipset(seen) => seen.is_there,
        }
    }

    /// Who is kept out.
    pub fn held(&self) -> &Held {
        match &self.seen {
            Seen::Nftables(seen) => &seen.held,
            Seen::Iptables(seen) => &seen.held,
            Seen::Ipset(seen) => &seen.held,
        }
    }
}

impl Gate {
    /// The elements that keep out whom the gate is to keep out, with the ends that the kernel knows of.
    pub fn elements(&self, wanted: Held, now: Time) -> Held {
        match &self.place {
            Place::Nftables(set) if set.is_interval => ranges(&wanted),
            Place::Nftables(_) => wanted,
            Place::Iptables(_) => wanted.into_keys().map(|key| (key, None)).collect(),
            Place::Ipset(_) => {
                let end = |(key, until)| (key, ipset::until_in_kernel(until, now));
                wanted.into_iter().map(end).collect()
            }
        }
    }

    /// Whether its elements are the hosts and networks that it keeps out, each for itself.
    pub fn holds_addrs(&self) -> bool {
        !matches!(&self.place, Place::Nftables(set) if set.is_interval)
    }

    /// Whether the kernel ends bans by itself.
    pub fn has_timeouts(&self) -> bool {
        !matches!(&self.place, Place::Iptables(_))
    }
}

impl Kernel {
    /// Whether nothing of a gate has to be made. Takes as long however many are kept out.
    pub fn glance(&mut self, gate: &Gate, now: Time) -> Result<bool, KernelError> {
        match &gate.place {
            Place::Nftables(set) => Ok(set.glance(self.netlink()?)?.is_whole()),
            // A chain's hosts are its rules.
            Place::Iptables(_) => Ok(self.look(gate, now)?.is_whole()),
            Place::Ipset(set) => Ok(set.glance()?.is_whole()),
        }
    }

    /// Which of these hosts a gate doesn't keep out, where it costs the same however many others it does; where it doesn't,
    /// all of them may be.
    pub fn missing(&mut self, gate: &Gate, addrs: &[Addr]) -> Result<Vec<Addr>, KernelError> {
        match &gate.place {
            Place::Nftables(set) => Ok(set.missing(self.netlink()?, addrs)?),
            Place::Iptables(_) | Place::Ipset(_) => Ok(addrs.to_vec()),
        }
    }

    /// Whether nobody is told when others change a gate, so that it has to be looked at from time to time: sets of
    /// ipset, rules of iptables that are not such of nf_tables.
    pub fn needs_polling(&mut self, gate: &Gate) -> bool {
        match &gate.place {
            Place::Nftables(_) => false,
            Place::Iptables(Chain { jumps, .. }) => {
                let program = jumps.program.clone();
                let told = self.are_told.entry(program).or_insert_with(|| jumps.are_nftables());
                !*told
            }
            Place::Ipset(_) => true,
        }
    }

    /// What a gate that needs polling looks like from outside: while that stays the same, so does the gate, as far as
    /// can be told without a tool. It costs a system call. `None` where there is no such thing.
    pub fn outside(&mut self, gate: &Gate) -> Option<IpsetHead> {
        let Place::Ipset(set) = &gate.place else { return None };
        let ipset = match &mut self.ipset {
            Some(ipset) => ipset,
            none => none.insert(Ipset::open()?),
        };
        ipset.head(&set.name)
    }

    /// Takes out what was shared by gates that are gone.
    pub fn tidy(&mut self, gate: &Gate) -> Result<(), KernelError> {
        if let Place::Nftables(set) = &gate.place {
            set.tidy()?;
        }
        Ok(())
    }

    /// What there is of a gate at `now`. Takes time in proportion to how many are kept out.
    pub fn look(&mut self, gate: &Gate, now: Time) -> Result<Found, KernelError> {
        let seen = match &gate.place {
            Place::Nftables(set) => Seen::Nftables(set.look(self.netlink()?, now)?),
            Place::Iptables(chain) => Seen::Iptables(chain.look()?),
            Place::Ipset(set) => Seen::Ipset(set.look(now)?),
        };
        Ok(Found { seen, is_outdated: false })
    }

    /// How many packets of each of these hosts and networks a gate has kept out since it was put in; `None` where the
    /// kernel doesn't count, or has nothing for it alone.
    pub fn packets(
        &mut self,
        gate: &Gate,
        addrs: &[Addr],
    ) -> Result<Vec<Option<u64>>, KernelError> {
        Ok(match &gate.place {
            Place::Nftables(set) => set.packets(self.netlink()?, addrs)?,
            Place::Iptables(chain) => chain.packets(addrs)?,
            Place::Ipset(set) => set.packets(addrs)?,
        })
    }

    /// The chain in which a rule that accepts established connections stands before those of a gate, if there is one.
    pub fn accepting(&mut self, gate: &Gate) -> Result<Option<String>, KernelError> {
        Ok(match &gate.place {
            Place::Nftables(set) => set.accepting()?,
            Place::Iptables(chain) => chain.accepting()?,
            Place::Ipset(set) => set.accepting()?,
        })
    }

    fn netlink(&mut self) -> Result<&mut Nftables, KernelError> {
        match &mut self.netlink {
            Some(netlink) => Ok(netlink),
            none => Ok(none.insert(Nftables::open()?)),
        }
    }

    /// Does a step; all of it, or nothing.
    pub fn take(&mut self, step: &Step) -> Result<(), KernelError> {
        match step {
            Step::Run { argv, input } => drop(tool::run(argv, input)?),
            Step::Elements(sets) => nftables::change(self.netlink()?, sets)?,
        }
        Ok(())
    }
}

/// Puts steps for gates together.
#[derive(Debug, Default)]
pub struct Steps {
    /// What `nft` is to do, by program.
    nft: BTreeMap<String, Vec<String>>,
    elements: Vec<nftables::Elements>,
    /// What `ipset restore` is to do before rules are changed: sets, and whom they hold.
    sets: String,
    /// Rules of iptables, by what changes them.
    rules: Vec<(Jumps, Vec<String>)>,
    /// What `ipset restore` is to do when no rule is in its way any more.
    gone: String,
}

impl Steps {
    /// Makes a gate whole.
    pub fn install(&mut self, gate: &Gate, found: &Found, now: Time) {
        match (&gate.place, &found.seen) {
            (Place::Nftables(set), Seen::Nftables(seen)) => self.nft(set, set.install(seen)),
            (Place::Iptables(chain), Seen::Iptables(seen)) => {
                self.rules(&chain.jumps, chain.install(seen));
            }
            (Place::Ipset(set), Seen::Ipset(seen)) => {
                self.sets.push_str(&set.create(seen, now));
                self.rules(&set.jumps, set.open(seen));
            }
            _ => {}
        }
    }

    /// Takes a gate out.
    pub fn uninstall(&mut self, gate: &Gate, found: &Found) {
        match (&gate.place, &found.seen) {
            (Place::Nftables(set), Seen::Nftables(seen)) => self.nft(set, set.uninstall(seen)),
            (Place::Iptables(chain), Seen::Iptables(seen)) => {
                self.rules(&chain.jumps, chain.uninstall(seen));
            }
            (Place::Ipset(set), Seen::Ipset(seen)) => {
                self.rules(&set.jumps, set.close(seen));
                self.gone.push_str(&set.destroy(seen));
            }
            _ => {}
        }
    }

    /// Takes out what leads to a gate, whose hosts another gate in the same place goes on keeping out.
    pub fn close(&mut self, gate: &Gate, found: &Found) {
        match (&gate.place, &found.seen) {
            (Place::Iptables(chain), Seen::Iptables(seen)) => {
                self.rules(&chain.jumps, chain.close(seen));
            }
            (Place::Ipset(set), Seen::Ipset(seen)) => self.rules(&set.jumps, set.close(seen)),
            (Place::Nftables(set), Seen::Nftables(seen)) => self.nft(set, set.close(seen)),
            _ => {}
        }
    }

    /// Changes whom a gate keeps out.
    pub fn change(&mut self, gate: &Gate, changes: Changes, now: Time) {
        if changes.is_empty() {
            return;
        }
        match &gate.place {
            Place::Nftables(set) => self.elements.push(set.elements(changes, now)),
            Place::Iptables(chain) => self.rules(&chain.jumps, chain.change(&changes)),
            Place::Ipset(set) => self.sets.push_str(&set.change(&changes, now)),
        }
    }

    fn nft(&mut self, set: &nftables::NftSet, lines: Vec<String>) {
        let known = self.nft.entry(set.program.clone()).or_default();
        for line in lines {
            // Several sets have a table and a chain in common.
            if !known.contains(&line) {
                known.push(line);
            }
        }
    }

    fn rules(&mut self, jumps: &Jumps, lines: Vec<String>) {
        if lines.is_empty() {
            return;
        }
        match self.rules.iter_mut().find(|(other, _)| other.is_by_same_tool(jumps)) {
            Some((_, known)) => known.extend(lines),
            None => self.rules.push((jumps.clone(), lines)),
        }
    }

    /// All of them, in the order in which they are to be done.
    pub fn all(self) -> Vec<Step> {
        let nft = self.nft.into_iter().filter(|(_, lines)| !lines.is_empty());
        let script = |(program, lines): (String, Vec<String>)| {
            Step::script([&program, "-f", "-"], lines.join("\n") + "\n")
        };
        let mut steps: Vec<Step> = nft.map(script).collect();
        if !self.elements.is_empty() {
            steps.push(Step::Elements(self.elements));
        }
        let sets = |script: String| (!script.is_empty()).then(|| ipset::restore(script));
        steps.extend(sets(self.sets));
        steps.extend(self.rules.into_iter().map(|(jumps, lines)| jumps.step(&lines)));
        steps.extend(sets(self.gone));
        steps
    }
}
