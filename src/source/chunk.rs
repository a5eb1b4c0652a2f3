//! Cutting a buffer into chunks of whole lines, each computed without knowing the others, so that
//! threads may take them in any order.

use std::ops::Range;

use super::LINE_MAX_BYTES;

/// The `index`th chunk of `bytes`: the lines that *start* in `index * target .. (index + 1) * target`.
///
/// A line starts at 0 and after each newline. A line longer than `target` belongs whole to the chunk
/// it starts in, and the chunks it covers are empty. All chunks, 0 to [`chunk_count`], joined in order are
/// the buffer, but for what is passed over: a chunk that ends in a line longer than [`LINE_MAX_BYTES`] ends
/// in the middle of it. `target` is at least 1. The cost over all chunks is linear: each looks for the start
/// only among its own bytes, and only the owner of a long line walks on, not beyond that bound.
///
/// ```
/// use f2b::source::{chunk, chunk_count};
/// let text = b"one\ntwo\nthree\n";
/// let lines: Vec<_> = (0..chunk_count(text.len(), 5)).map(|i| chunk(text, i, 5)).collect();
/// assert_eq!(lines, [0..8, 8..14, 14..14]);
/// ```
pub fn chunk(bytes: &[u8], index: usize, target: usize) -> Range<usize> {
    let from = index.saturating_mul(target).min(bytes.len());
    let to = from.saturating_add(target).min(bytes.len());
    match line_start(bytes, from, to) {
        Some(start) if start < to => start..end_of_last(bytes, start, to),
        _ => to..to,
    }
}

/// The end of the last line that starts in `start..to`, or as much of it as is looked at.
fn end_of_last(bytes: &[u8], start: usize, to: usize) -> usize {
    let last = memchr::memrchr(b'\n', &bytes[start..to]).map_or(start, |at| start + at + 1);
    if last == to {
        return to;
    }
    let limit = last.saturating_add(LINE_MAX_BYTES + 1).max(to).min(bytes.len());
    memchr::memchr(b'\n', &bytes[to..limit]).map_or(limit, |at| to + at + 1)
}

/// How many chunks a buffer of `len_bytes` has.
pub fn chunk_count(len_bytes: usize, target: usize) -> usize {
    len_bytes.div_ceil(target)
}

/// The first start of a line at or after `from`, its newline standing before `to`.
fn line_start(bytes: &[u8], from: usize, to: usize) -> Option<usize> {
    let Some(before) = from.checked_sub(1) else { return Some(0) };
    memchr::memchr(b'\n', &bytes[before..to]).map(|at| before + at + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(bytes: &[u8], target: usize) -> Vec<Range<usize>> {
        (0..chunk_count(bytes.len(), target)).map(|i| chunk(bytes, i, target)).collect()
    }

    #[test]
    fn a_line_belongs_to_the_chunk_it_starts_in() {
        assert_eq!(all(b"ab\ncd\nef", 3), [0..3, 3..6, 6..8]);
        assert_eq!(all(b"abcd\nef\n", 5), [0..5, 5..8]);
    }

    #[test]
    fn a_long_line_is_one_chunk() {
        let mut text = b"short\n".to_vec();
        text.resize(1_000_000, b'x');
        text.extend(b"\nlast");
        let chunks: Vec<_> = all(&text, 1000).into_iter().filter(|r| !r.is_empty()).collect();
        assert_eq!(chunks, [0..1_000_001, 1_000_001..1_000_005]);
    }

    #[test]
    fn a_line_without_an_end_is_cut() {
        let mut text = b"short\n".to_vec();
        text.resize(10_000_000, b'x');
        text.extend(b"\nlast");
        for target in [1000, LINE_MAX_BYTES, 4 * LINE_MAX_BYTES] {
            let chunks: Vec<_> = all(&text, target).into_iter().filter(|r| !r.is_empty()).collect();
            let cut = (6 + LINE_MAX_BYTES + 1).max(target);
            assert_eq!(chunks, [0..cut, 10_000_001..10_000_005], "{target}");
        }
    }

    #[test]
    fn an_empty_buffer_has_no_chunks() {
        assert!(all(b"", 10).is_empty());
    }

    proptest! {
        #[test]
        fn chunks_joined_are_the_whole_and_start_at_line_starts(
            text in "[ab\n]{0,200}", target in 1usize..40,
        ) {
            let bytes = text.as_bytes();
            let mut joined: Vec<u8> = Vec::new();
            for (index, range) in all(bytes, target).into_iter().enumerate() {
                if !range.is_empty() {
                    prop_assert!(range.start == 0 || bytes[range.start - 1] == b'\n');
                    prop_assert!((index * target..(index + 1) * target).contains(&range.start));
                    prop_assert_eq!(range.start, joined.len());
                }
                joined.extend(&bytes[range]);
            }
            prop_assert_eq!(joined, bytes);
        }
    }
}
