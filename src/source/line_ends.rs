//! Line ends, many at a time.
//!
//! Lines are short: a search for one line end after the other spends its time in starting and stopping, on
//! branches that no processor foresees. Here a block of several lines is compared as a whole, in a form that
//! the compiler turns into vector instructions wherever there are any.

/// Where lines end in a block, as offsets into it in no particular order.
#[derive(Debug)]
pub(crate) struct LineEnds {
    /// Byte `c`, bit `r`: whether a line ends at `r * COLUMNS + c`. Sorted it would cost twice as much.
    bits: u128,
}

const ROWS: usize = 8;
const COLUMNS: usize = 16;

impl LineEnds {
    /// Bytes of a block.
    pub(crate) const BLOCK_BYTES: usize = ROWS * COLUMNS;

    /// The line ends of a block. Not inlined, and written as two plain loops, for only as such does it become one
    /// instruction for a row.
    #[inline(never)]
    pub(crate) fn of(block: &[u8; Self::BLOCK_BYTES]) -> Self {
        let mut bits = [0_u8; COLUMNS];
        let (rows, _) = block.as_chunks::<COLUMNS>();
        for (row, bytes) in rows.iter().enumerate() {
            for (bits, byte) in bits.iter_mut().zip(bytes) {
                *bits |= u8::from(*byte == b'\n') << row;
            }
        }
        Self { bits: u128::from_le_bytes(bits) }
    }
}

impl Iterator for LineEnds {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.bits == 0 {
            return None;
        }
        let bit = self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        Some(bit % ROWS * COLUMNS + bit / ROWS)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_line_end_is_found_and_nothing_else(
            bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\x0b'), Just(b'\x8a'), any::<u8>()], 128)
        ) {
            let mut found: Vec<usize> = LineEnds::of(bytes.as_array().expect("128 bytes")).collect();
            found.sort_unstable();
            let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
            prop_assert_eq!(found, ends.map(|(at, _)| at).collect::<Vec<_>>());
        }
    }
}
