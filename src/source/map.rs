//! Memory maps of logs, and the guard that keeps a truncated log from killing the process.
//!
//! A log may be cut short by its writer or by `logrotate` (`copytruncate`) at any instant. Reading a
//! mapped page that is no longer backed by the file raises SIGBUS, whose default action ends the
//! process. Here a process-wide handler puts a page of zeros in the place of the missing one and
//! remembers that the map is *torn* there; the reader goes on, asks [`MappedFile::is_torn`] after
//! each chunk, and takes what is left from [`MappedFile::reread`]. The same guard covers a disk that
//! can't deliver a page: the rereading then fails with the disk's error.
//!
//! Not seen: a log that is truncated *and* grows beyond its old length between two looks. Its bytes
//! are read as they are at that moment, like with any other way of reading a file in pieces.
//!
//! The only other `unsafe` of the crate is a call of glibc's in `daemon/memory.rs`.

#![expect(unsafe_code, reason = "memory maps and the SIGBUS guard can't be had without it")]

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use memmap2::{Advice, Mmap, UncheckedAdvice};

use crate::model::Time;

/// So many logs can be mapped at the same time; a slot takes 32 bytes.
const SLOTS: usize = 1024;

/// A range of addresses under guard.
///
/// `start` is 0 while the slot is free or being filled, so that the handler never sees a mixture.
struct Slot {
    taken: AtomicBool,
    start: AtomicUsize,
    end: AtomicUsize,
    /// The lowest address at which a fault was caught; `usize::MAX` if none was.
    torn_from: AtomicUsize,
}

static TABLE: [Slot; SLOTS] = [const {
    Slot {
        taken: AtomicBool::new(false),
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        torn_from: AtomicUsize::new(usize::MAX),
    }
}; SLOTS];

/// The size of a page, known to the handler before it is installed.
static PAGE_BYTES: AtomicUsize = AtomicUsize::new(4096);

/// What handled SIGBUS before us, for faults that are not ours.
static PREVIOUS: OnceLock<libc::sigaction> = OnceLock::new();

/// A registered range; gives its slot back when dropped.
struct Guard(&'static Slot);

impl Guard {
    fn register(bytes: &[u8]) -> io::Result<Self> {
        install()?;
        let slot = TABLE
            .iter()
            .find(|slot| !slot.taken.swap(true, Ordering::AcqRel))
            .ok_or_else(|| io::Error::other(format!("more than {SLOTS} logs mapped at once")))?;
        let start = bytes.as_ptr().addr();
        slot.torn_from.store(usize::MAX, Ordering::Relaxed);
        slot.end.store(start + bytes.len(), Ordering::Relaxed);
        slot.start.store(start, Ordering::Release);
        Ok(Self(slot))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.start.store(0, Ordering::Release);
        self.0.taken.store(false, Ordering::Release);
    }
}

/// Installs the handler, once per process.
fn install() -> io::Result<()> {
    static INSTALLED: OnceLock<Result<(), i32>> = OnceLock::new();
    let code = |error: &io::Error| error.raw_os_error().unwrap_or(libc::EINVAL);
    INSTALLED
        .get_or_init(|| replace_action().map_err(|error| code(&error)))
        .map_err(io::Error::from_raw_os_error)
}

/// Puts [`on_sigbus`] in the place of the previous action, which is kept in [`PREVIOUS`].
fn replace_action() -> io::Result<()> {
    // SAFETY: sysconf reads a constant of the system.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    PAGE_BYTES.store(usize::try_from(page).unwrap_or(4096), Ordering::Relaxed);
    let mut previous = empty_action();
    // SAFETY: both pointers are null or point to a sigaction of this frame; nothing is changed.
    if unsafe { libc::sigaction(libc::SIGBUS, std::ptr::null(), &raw mut previous) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // Before ours can run, so that it finds what to chain to.
    let _ = PREVIOUS.set(previous);
    let mut ours = empty_action();
    ours.sa_sigaction = on_sigbus as *const () as libc::sighandler_t;
    // The standard library gives its threads an alternate stack: a fault near the end of the
    // normal one is then handled, too.
    ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: `ours` is complete, its handler has the signature that SA_SIGINFO asks for and does
    // only what a signal handler may: atomics, mmap, sigaction, raise.
    if unsafe { libc::sigaction(libc::SIGBUS, &raw const ours, std::ptr::null_mut()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// The default action, nothing masked.
fn empty_action() -> libc::sigaction {
    // SAFETY: a sigaction is plain data, for which all zeros are valid: SIG_DFL, no flags, no mask.
    unsafe { std::mem::zeroed() }
}

/// Mends a fault in a guarded range; hands every other one to whoever was there before.
extern "C" fn on_sigbus(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    // SAFETY: with SA_SIGINFO the kernel passes a valid siginfo; for SIGBUS sent by the kernel
    // (code > 0) `si_addr` is the field that is filled.
    let (code, addr) = unsafe { ((*info).si_code, (*info).si_addr().addr()) };
    if code > 0 && mend(addr) {
        return;
    }
    chain(signal, code, info, context);
}

/// Whether `addr` lies in a guarded range and has a page of zeros now.
fn mend(addr: usize) -> bool {
    let Some(slot) = TABLE.iter().find(|slot| slot.holds(addr)) else { return false };
    let page_bytes = PAGE_BYTES.load(Ordering::Relaxed);
    let page = addr & !(page_bytes - 1);
    let protection = libc::PROT_READ;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
    // SAFETY: the page lies in a map that one of our `MappedFile`s owns: the faulting thread is
    // reading through a borrow of it, so it can't be unmapped meanwhile. Replacing the page changes
    // nothing that could be read (reading it is what failed). mmap is a bare system call here.
    let mended = unsafe {
        libc::mmap(std::ptr::without_provenance_mut(page), page_bytes, protection, flags, -1, 0)
    };
    if mended == libc::MAP_FAILED {
        return false;
    }
    slot.torn_from.fetch_min(page, Ordering::Release);
    true
}

impl Slot {
    fn holds(&self, addr: usize) -> bool {
        let start = self.start.load(Ordering::Acquire);
        if start == 0 || addr < start || addr >= self.end.load(Ordering::Acquire) {
            return false;
        }
        // If the slot changed hands between the two loads, the end was another range's.
        self.start.load(Ordering::Acquire) == start
    }
}

/// Does what would have been done without us.
fn chain(
    signal: libc::c_int,
    code: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    let previous = PREVIOUS.get().copied().unwrap_or_else(empty_action);
    match previous.sa_sigaction {
        // A fault can't be ignored: the kernel would raise it again and again.
        libc::SIG_IGN if code <= 0 => {}
        libc::SIG_DFL | libc::SIG_IGN => {
            let default = empty_action();
            // SAFETY: restores the default action, then sends the signal again; it is blocked until
            // the handler returns, and ends the process then.
            unsafe {
                libc::sigaction(signal, &raw const default, std::ptr::null_mut());
                libc::raise(signal);
            }
        }
        handler if previous.sa_flags & libc::SA_SIGINFO != 0 => {
            type Detailed = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);
            // SAFETY: neither SIG_DFL nor SIG_IGN, so it is the address of a function, which was
            // registered with SA_SIGINFO and has that signature.
            let handler: Detailed = unsafe { std::mem::transmute(handler) };
            handler(signal, info, context);
        }
        handler => {
            // SAFETY: as above, registered without SA_SIGINFO.
            let handler: extern "C" fn(libc::c_int) = unsafe { std::mem::transmute(handler) };
            handler(signal);
        }
    }
}

/// A log in memory, read-only, that may be truncated at any time without harm.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use f2b::source::MappedFile;
/// let log = MappedFile::open("Cargo.toml".as_ref())?;
/// assert!(log.bytes().starts_with(b"[package]"));
/// assert!(!log.is_torn(0..log.len()));
/// # Ok(()) }
/// ```
pub struct MappedFile {
    // Dropped in this order: the guard ends before the map does.
    guard: Option<Guard>,
    map: Option<Mmap>,
    file: File,
}

impl MappedFile {
    /// Maps the file as long as it is at this moment.
    ///
    /// # Errors
    ///
    /// The file can't be opened, its file system can't map it, or 1024 logs are mapped already;
    /// [`Blocks`](super::Blocks) reads what can't be mapped.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let len = usize::try_from(file.metadata()?.len())
            .map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        if len == 0 {
            return Ok(Self { guard: None, map: None, file });
        }
        // SAFETY: the map is read-only and private. That its bytes may change under us is in the
        // nature of a log and more than Rust's model of memory allows for; nothing here or in the
        // readers concludes anything from a byte that it wouldn't check again on a copy, and a
        // shortened file is covered by the guard.
        let map = unsafe { memmap2::MmapOptions::new().len(len).map(&file)? };
        let guard = Guard::register(&map)?;
        // Advice may be refused; the result is only slower.
        let _ = map.advise(Advice::Sequential);
        Ok(Self { guard: Some(guard), map: Some(map), file })
    }

    /// Where its text begins: behind the NULs that whoever emptied it left behind.
    pub fn begins(&self) -> usize {
        // A hole that takes no space is passed over at once; who knows of no holes reads it.
        let hole = match rustix::fs::seek(&self.file, rustix::fs::SeekFrom::Data(0)) {
            Ok(data) => usize::try_from(data).unwrap_or(0).min(self.len()),
            Err(rustix::io::Errno::NXIO) => self.len(),
            Err(_) => 0,
        };
        let text = self.bytes()[hole..].iter().position(|byte| *byte != 0);
        text.map_or(self.len(), |at| hole + at)
    }

    /// The length at the time of opening.
    pub fn len(&self) -> usize {
        self.bytes().len()
    }

    /// Whether the file was empty at the time of opening.
    pub fn is_empty(&self) -> bool {
        self.map.is_none()
    }

    /// The file's bytes; zeros where it was cut, see [`is_torn`](Self::is_torn).
    pub fn bytes(&self) -> &[u8] {
        self.map.as_deref().unwrap_or_default()
    }

    /// Whether what was read in `range` may not have been the file: a fault was caught at or before
    /// its end, or the file is shorter than its end. Ask after reading.
    pub fn is_torn(&self, range: Range<usize>) -> bool {
        let Some(guard) = &self.guard else { return false };
        let end = self.bytes().as_ptr().addr() + range.end;
        guard.0.torn_from.load(Ordering::Acquire) < end || self.len_now() < range.end as u64
    }

    /// The length of the file at this moment.
    pub fn len_now(&self) -> u64 {
        self.file.metadata().map_or(0, |now| now.len())
    }

    /// What the file holds in `range`, by `read`; shorter if the file ends before.
    ///
    /// # Errors
    ///
    /// The disk can't deliver it.
    pub fn reread(&self, range: Range<usize>) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; range.len()];
        let mut filled = 0;
        while filled < bytes.len() {
            match self.file.read_at(&mut bytes[filled..], (range.start + filled) as u64) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// Gives the memory of the pages that lie wholly in `range` back; reading them again is
    /// possible and costs a fault. Keeps the memory of a scan small whatever the log's size.
    pub fn release(&self, range: Range<usize>) {
        let Some(map) = &self.map else { return };
        let page_bytes = PAGE_BYTES.load(Ordering::Relaxed);
        let start = range.start.next_multiple_of(page_bytes);
        let end = range.end / page_bytes * page_bytes;
        if start < end {
            // SAFETY: the map is of a file, private and never written: dropped pages come back with
            // the file's bytes, mended ones with zeros.
            let _ = unsafe {
                map.unchecked_advise_range(UncheckedAdvice::DontNeed, start, end - start)
            };
        }
    }

    /// When the file was last written, if the system says so.
    pub fn modified(&self) -> Option<Time> {
        super::modified(&self.file.metadata().ok()?)
    }
}

#[cfg(test)]
mod tests;
