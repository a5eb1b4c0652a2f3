//! Linux's packet filters.

pub mod netlink;
