use std::io::Write;

use proptest::prelude::*;

use super::*;

fn text(lines: usize) -> Vec<u8> {
    (0..lines).flat_map(|i| format!("line {i} of the log\n").into_bytes()).collect()
}

fn pack(compression: Compression, text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match compression {
        Compression::Gzip => {
            let mut gz = flate2::write::GzEncoder::new(&mut out, flate2::Compression::fast());
            gz.write_all(text).unwrap();
            gz.finish().unwrap();
        }
        Compression::Bzip2 => {
            let mut bz = bzip2::write::BzEncoder::new(&mut out, bzip2::Compression::fast());
            bz.write_all(text).unwrap();
            bz.finish().unwrap();
        }
        Compression::Xz => {
            let mut xz = liblzma::write::XzEncoder::new(&mut out, 1);
            xz.write_all(text).unwrap();
            xz.finish().unwrap();
        }
        Compression::Zstd => out = zstd::encode_all(text, 1).unwrap(),
    }
    out
}

const ALL: [Compression; 4] =
    [Compression::Gzip, Compression::Bzip2, Compression::Xz, Compression::Zstd];

fn blocks(bytes: Vec<u8>) -> Blocks {
    Blocks::from_reader("x".as_ref(), io::Cursor::new(bytes)).unwrap()
}

/// All blocks joined, each checked for its offset, and the error that ended them.
fn joined(blocks: Blocks) -> (Vec<u8>, Option<SourceError>) {
    let mut all = Vec::new();
    for block in blocks {
        match block {
            Ok(block) => {
                assert_eq!(block.offset(), all.len() as u64);
                all.extend_from_slice(&block);
            }
            Err(error) => return (all, Some(error)),
        }
    }
    (all, None)
}

#[test]
fn every_compression_is_known_by_its_first_bytes_and_read() {
    for compression in ALL {
        let packed = pack(compression, &text(5000));
        assert_eq!(Compression::detect(&packed), Some(compression));
        let blocks = blocks(packed).with_block_bytes(1000);
        assert_eq!(blocks.compression(), Some(compression));
        let (all, error) = joined(blocks);
        assert!(error.is_none(), "{error:?}");
        assert!(all == text(5000), "{compression:?}");
    }
}

#[test]
fn concatenated_archives_are_one_log() {
    for compression in ALL {
        let mut packed = pack(compression, b"one\n");
        packed.extend(pack(compression, b"two\n"));
        assert_eq!(joined(blocks(packed)).0, b"one\ntwo\n", "{compression:?}");
    }
}

#[test]
fn an_empty_archive_has_no_blocks() {
    for compression in ALL {
        let (all, error) = joined(blocks(pack(compression, b"")));
        assert!(all.is_empty() && error.is_none(), "{compression:?}: {error:?}");
    }
}

#[test]
fn text_is_text_whatever_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.gz");
    std::fs::write(&path, "a line\nanother").unwrap();
    let blocks = Blocks::open(&path).unwrap();
    assert_eq!(blocks.compression(), None);
    assert_eq!(joined(blocks).0, b"a line\nanother");
}

#[test]
fn a_truncated_archive_gives_its_whole_lines_and_then_a_typed_error() {
    // Lines that don't compress, so that something comes out before the cut.
    let noise: Vec<u8> = (0..200_000u32)
        .flat_map(|i| format!("{:08x}\n", i.wrapping_mul(2_654_435_769)).into_bytes())
        .collect();
    for compression in ALL {
        let mut packed = pack(compression, &noise);
        packed.truncate(packed.len() * 9 / 10);
        let (all, error) = joined(blocks(packed).with_block_bytes(10_000));
        assert!(noise.starts_with(&all) && all.ends_with(b"\n"), "{compression:?}");
        assert!(all.len() > noise.len() / 2, "{compression:?}: {}", all.len());
        let message = error.unwrap().to_string();
        let expected = format!(
            "x: damaged {} archive after {} bytes of text: ",
            compression.name(),
            all.len()
        );
        assert!(message.starts_with(&expected), "{message}");
        assert!(message.ends_with("; the lines before were read"), "{message}");
    }
}

#[test]
fn damage_in_the_middle_costs_little_of_what_came_before() {
    let noise: Vec<u8> = (0..200_000u32)
        .flat_map(|i| format!("{:08x}\n", i.wrapping_mul(2_654_435_769)).into_bytes())
        .collect();
    let mut packed = pack(Compression::Gzip, &noise);
    let middle = packed.len() / 2;
    packed[middle..middle + 1000].fill(0xff);
    let (all, error) = joined(blocks(packed));
    assert!(matches!(error, Some(SourceError::Broken { .. })), "{error:?}");
    assert!(all.len() > noise.len() / 2 - 100_000, "{}", all.len());
}

#[test]
fn a_long_line_is_one_long_block() {
    let mut log = b"short\n".to_vec();
    log.resize(100_000, b'x');
    log.extend(b"\nlast\n");
    let lens: Vec<_> =
        blocks(log.clone()).with_block_bytes(64).map(|block| block.unwrap().len()).collect();
    assert_eq!(lens.iter().sum::<usize>(), log.len());
    assert!(lens.iter().any(|len| *len >= 100_000 - 6), "{lens:?}");
}

#[test]
fn a_line_without_an_end_is_cut_and_what_follows_keeps_its_place() {
    let line = LINE_MAX_BYTES + 1;
    for block_bytes in [1000, 1 << 20, 3 << 20] {
        for long in [line - 1, line, line + 1, 5 << 20] {
            let mut log = b"short\n".to_vec();
            log.resize(6 + long, b'x');
            log.extend(b"\nlast\nhalf");
            let mut seen = Vec::new();
            for block in blocks(log.clone()).with_block_bytes(block_bytes) {
                let block = block.unwrap();
                let at = usize::try_from(block.offset()).unwrap();
                assert_eq!(&log[at..at + block.len()], &*block);
                assert!(block.len() <= block_bytes.max(line), "{}", block.len());
                seen.push(at..at + block.len());
            }
            let looked_at: usize = seen.iter().map(ExactSizeIterator::len).sum();
            assert!(looked_at >= 6 + long.min(line) + 9, "{looked_at}");
            assert_eq!(seen.last().unwrap().end, log.len());
            assert!(seen.iter().any(|range| range.contains(&(7 + long))), "{seen:?}");
        }
    }
}

#[test]
fn buffers_are_used_again() {
    let mut blocks = blocks(text(10_000)).with_block_bytes(1000);
    let address = |block: &Block| block.as_ptr().addr();
    let first = address(&blocks.next().unwrap().unwrap());
    for block in blocks {
        assert_eq!(address(&block.unwrap()), first);
    }
}

#[test]
fn gzip_says_when_its_input_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.gz");
    let packed = flate2::GzBuilder::new().mtime(1_767_225_600);
    let mut gz = packed.write(File::create(&path).unwrap(), flate2::Compression::fast());
    gz.write_all(b"a line\n").unwrap();
    gz.finish().unwrap();
    let log = crate::source::Log::at(&path).unwrap();
    assert_eq!(log.modified(), Some(Time::from_secs(1_767_225_600)));
}

proptest! {
    #[test]
    fn blocks_joined_are_the_whole_and_end_at_line_ends(
        text in "[ab\n]{0,300}", block_bytes in 1usize..40,
    ) {
        let mut all = Vec::new();
        for block in blocks(text.clone().into_bytes()).with_block_bytes(block_bytes) {
            let block = block.unwrap();
            prop_assert!(all.is_empty() || all.ends_with(b"\n"));
            prop_assert!(!block.is_empty());
            all.extend_from_slice(&block);
        }
        prop_assert_eq!(all, text.into_bytes());
    }
}
