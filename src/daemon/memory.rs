//! Memory that is needed no more, given back to the system.
//!
//! What a start needs, matches of a burst, or bans by the hundred thousand that are put into a kernel, leaves holes between
//! what stays; glibc keeps them for as long as the process lives. With a share of it for each thread it keeps the end of
//! each share even if it is asked for it: of 100,000 bans 9 MB, for good.

#![cfg_attr(target_env = "gnu", expect(unsafe_code, reason = "glibc can't be asked otherwise"))]

/// Has all threads take memory from one share; to be called before the first of them is started. They are few and seldom
/// busy at a time: nothing became slower by it.
pub fn share() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it has no preconditions but that other threads have not yet got theirs, and then it would be without effect.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Gives back what is free, which takes some milliseconds if that is much.
pub(super) fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it has no preconditions, changes nothing that is in use, and any thread may call it.
    unsafe {
        libc::malloc_trim(0);
    }
}
