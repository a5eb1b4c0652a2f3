//! Logs that are rotated while they are written: each line counts once, and nobody gets away.

use crate::harness::Host;
use crate::traffic::{Author, How, jail};

/// Rotates in these ways, in turn.
fn each_line_counts_once(ways: &[How], seed: u64) {
    let host = Host::new(&jail());
    let daemon = host.start();
    let mut author = Author::new(&host, seed);
    for how in ways.iter().cycle().take(12) {
        let lines = 100 + author.random.below(400);
        author.write(usize::try_from(lines).unwrap());
        author.rotate(*how);
    }
    author.write(200);
    author.all_is_known();
    daemon.stop();
    author.all_is_known();
}

#[test]
fn a_log_that_is_renamed_is_read_to_its_end() {
    each_line_counts_once(&[How::Rename], 1);
}

#[test]
fn a_log_that_is_renamed_twice_at_once_is_read_to_its_end() {
    each_line_counts_once(&[How::Twice, How::Rename], 2);
}

#[test]
fn a_log_that_is_packed_at_once_is_read_to_its_end() {
    each_line_counts_once(&[How::Pack], 3);
}

#[test]
fn a_log_that_is_copied_and_emptied_is_read_to_its_end() {
    each_line_counts_once(&[How::CopyTruncate], 4);
}

#[test]
fn a_log_that_is_removed_is_read_to_its_end() {
    each_line_counts_once(&[How::Delete], 5);
}

#[test]
fn a_log_that_is_rotated_in_all_ways_is_read_to_its_end() {
    let ways = [How::Rename, How::CopyTruncate, How::Twice, How::Delete, How::Pack];
    each_line_counts_once(&ways, 6);
}
