use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::sync::mpsc;

use super::*;

const PAGE: usize = 4096;

fn log_of(pages: usize) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&vec![b'x'; pages * PAGE]).unwrap();
    file
}

fn count_x(bytes: &[u8]) -> usize {
    memchr::memchr_iter(b'x', bytes).count()
}

#[test]
fn an_untouched_file_is_not_torn() {
    let file = log_of(3);
    let log = MappedFile::open(file.path()).unwrap();
    assert_eq!(count_x(log.bytes()), 3 * PAGE);
    assert!(!log.is_torn(0..log.len()));
    assert_eq!(log.reread(5..10).unwrap(), b"xxxxx");
    assert!(log.modified().is_some());
}

#[test]
fn an_empty_file_is_mapped() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let log = MappedFile::open(file.path()).unwrap();
    assert!(log.is_empty());
    assert_eq!(log.bytes(), b"");
    assert!(!log.is_torn(0..0));
    assert_eq!(log.reread(0..0).unwrap(), b"");
}

#[test]
fn a_truncated_file_reads_as_zeros_and_is_torn_from_there_on() {
    let file = log_of(8);
    let log = MappedFile::open(file.path()).unwrap();
    file.as_file().set_len(2 * PAGE as u64 + 10).unwrap();
    assert_eq!(count_x(log.bytes()), 2 * PAGE + 10);
    assert!(!log.is_torn(0..2 * PAGE));
    assert!(log.is_torn(2 * PAGE..2 * PAGE + 11));
    assert!(log.is_torn(0..8 * PAGE));
    assert_eq!(log.reread(2 * PAGE..8 * PAGE).unwrap(), b"xxxxxxxxxx");
}

#[test]
fn a_caught_fault_is_remembered_when_the_file_has_grown_again() {
    let file = log_of(4);
    let log = MappedFile::open(file.path()).unwrap();
    file.as_file().set_len(0).unwrap();
    assert_eq!(count_x(&log.bytes()[PAGE..2 * PAGE]), 0);
    file.as_file().set_len(4 * PAGE as u64).unwrap();
    assert!(log.is_torn(PAGE..2 * PAGE));
}

#[test]
fn released_pages_come_back() {
    let file = log_of(4);
    let log = MappedFile::open(file.path()).unwrap();
    assert_eq!(count_x(log.bytes()), 4 * PAGE);
    log.release(10..4 * PAGE);
    assert_eq!(count_x(log.bytes()), 4 * PAGE);
}

#[test]
fn slots_are_given_back() {
    let file = log_of(1);
    for _ in 0..2 * SLOTS {
        MappedFile::open(file.path()).unwrap();
    }
}

#[test]
fn truncation_while_other_threads_scan_is_survived() {
    let file = log_of(256);
    let log = MappedFile::open(file.path()).unwrap();
    std::thread::scope(|scope| {
        let (started, wait) = mpsc::channel();
        for _ in 0..2 {
            let (log, started) = (&log, started.clone());
            scope.spawn(move || {
                assert_eq!(count_x(log.bytes()), 256 * PAGE);
                started.send(()).unwrap();
                while count_x(log.bytes()) > 0 {}
            });
        }
        wait.recv().unwrap();
        wait.recv().unwrap();
        for pages in (0..256).rev().step_by(15) {
            file.as_file().set_len(pages * PAGE as u64).unwrap();
        }
    });
    assert!(log.is_torn(0..1));
}

/// Runs `body` in a process of its own and gives how that ended. The process is this test program,
/// told to run this test only; there, `body` runs and the result is `None`.
fn in_a_process(test: &str, body: impl FnOnce()) -> Option<ExitStatus> {
    const CHILD: &str = "F2B_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        body();
        return None;
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", &format!("source::map::tests::{test}")]).env(CHILD, "1");
    Some(child.output().unwrap().status)
}

#[test]
fn truncation_is_survived_in_a_process_of_its_own() {
    let status = in_a_process("truncation_is_survived_in_a_process_of_its_own", || {
        a_truncated_file_reads_as_zeros_and_is_torn_from_there_on();
    });
    assert!(status.is_none_or(|status| status.success()), "{status:?}");
}

#[test]
fn a_foreign_fault_still_kills() {
    let status = in_a_process("a_foreign_fault_still_kills", || {
        let (ours, foreign) = (log_of(1), log_of(1));
        let _guarded = MappedFile::open(ours.path()).unwrap();
        // SAFETY: read-only; the fault it is going to raise is the test.
        let map = unsafe { Mmap::map(foreign.as_file()).unwrap() };
        foreign.as_file().set_len(0).unwrap();
        std::hint::black_box(count_x(&map));
    });
    assert_eq!(status.and_then(|status| status.signal()), Some(libc::SIGBUS), "{status:?}");
}

#[test]
fn a_sent_signal_still_kills() {
    let status = in_a_process("a_sent_signal_still_kills", || {
        let _guarded = MappedFile::open(log_of(1).path()).unwrap();
        // The standard library's own handler takes the first for a fault and only resets itself.
        for _ in 0..2 {
            // SAFETY: raising a signal in this process has no conditions.
            unsafe { libc::raise(libc::SIGBUS) };
        }
    });
    assert_eq!(status.and_then(|status| status.signal()), Some(libc::SIGBUS), "{status:?}");
}

static CALLED: AtomicBool = AtomicBool::new(false);

extern "C" fn note(_: libc::c_int) {
    CALLED.store(true, Ordering::Relaxed);
}

#[test]
fn the_previous_handler_is_called_for_foreign_signals() {
    let status = in_a_process("the_previous_handler_is_called_for_foreign_signals", || {
        // SAFETY: `note` only stores to an atomic.
        unsafe { libc::signal(libc::SIGBUS, note as *const () as libc::sighandler_t) };
        let _guarded = MappedFile::open(log_of(1).path()).unwrap();
        // SAFETY: raising a signal in this process has no conditions.
        unsafe { libc::raise(libc::SIGBUS) };
        assert!(CALLED.load(Ordering::Relaxed));
    });
    assert!(status.is_none_or(|status| status.success()), "{status:?}");
}
