//! Memory that is needed no more, given back to the system.
//!
//! What a start needs, matches of a burst, or bans by the hundred thousand that are put into a kernel, leaves holes between what stays; glibc
//! keeps them, in each thread's share of its own, for as long as the process lives.

#![cfg_attr(
    target_env = "gnu",
    expect(unsafe_code, reason = "glibc can't be asked to do it otherwise")
)]

/// Gives back what is free, which takes some milliseconds if that is much.
pub(super) fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it has no preconditions, changes nothing that is in use, and any thread may call it.
    unsafe {
        libc::malloc_trim(0);
    }
}
