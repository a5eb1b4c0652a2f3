//! Linux's packet filters: one file for each way to keep hosts out.

pub(super) mod ipset;
pub(super) mod iptables;
mod jumps;
pub mod netlink;
pub(super) mod nftables;
mod own;
mod step;
pub(super) mod tool;

pub use ipset::IpSet;
pub use iptables::Chain;
pub use jumps::{Jump, Jumps};
pub use nftables::{Elements, NftSet};
pub use step::Step;
pub use tool::ToolError;
