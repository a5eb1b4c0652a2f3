//! Making what keeps hosts out equal to the bans that ought to be in force.
//!
//! ```text
//! action of a jail ──▶ gates ──▶ what the kernel has of them ─┐
//!                                                             ├─ plan ──▶ steps ──▶ kernel
//!                      bans in force ─────────────────────────┘
//! ```
//!
//! A [`Gate`] is a place in a packet filter where hosts are kept out: what a stock action comes to for a family of
//! addresses. The [`Kernel`] is asked what there is of it; [`plan`] compares who is to be kept out with who is; and what
//! has to change becomes [`Steps`], data that can be shown as well as done.
//!
//! A [`Monitor`] hears what others do to it meanwhile, and a gate knows what of that is its [`Concern`].
//!
//! Whatever is no gate is an [`action`] of fail2ban's language: commands that a shell runs, one ban after the other.
//! Nothing here knows the store or asks what time it is: the bans and the instant are handed in.

pub mod action;
mod connections;
mod gate;
mod kernel;
mod monitor;
pub mod netfilter;
mod plan;
mod properties;
mod stock;

pub use connections::cut;
pub use gate::{Gate, Place, Takes};
pub use kernel::{Found, Kernel, KernelError, Steps};
pub use monitor::{Concern, Foreign, Monitor};
pub use netfilter::Step;
pub use netfilter::netlink::IpsetHead;
pub use plan::{Added, Changes, Held, Key, hold, plan, ranges};
