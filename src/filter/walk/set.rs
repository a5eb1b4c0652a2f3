//! Which characters of ASCII belong to a class.

/// A set of ASCII bytes, a bit for each. A filter has tens of thousands of expressions, each of them dozens of
/// these: they are small, and two words are looked up as fast as a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Set([u64; 2]);

impl Set {
    pub(super) const ALL: Self = Self([u64::MAX; 2]);

    pub(super) fn only(byte: u8) -> Self {
        let mut set = Self::default();
        set.insert(byte);
        set
    }

    /// Adds a byte; of one that is not ASCII there is nothing to know, as no text that is walked has it.
    pub(super) fn insert(&mut self, byte: u8) {
        if byte.is_ascii() {
            self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
        }
    }

    /// Whether a byte of ASCII belongs to it.
    pub(super) fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6 & 1)] >> (byte & 63) & 1 == 1
    }

    pub(super) fn unite(&mut self, other: Self) {
        self.0[0] |= other.0[0];
        self.0[1] |= other.0[1];
    }

    pub(super) fn is_disjoint(self, other: Self) -> bool {
        self.0[0] & other.0[0] | self.0[1] & other.0[1] == 0
    }

    /// The only member.
    pub(super) fn single(self) -> Option<u8> {
        let is_single = self.0[0].count_ones() + self.0[1].count_ones() == 1;
        (0..0x80).find(|byte| is_single && self.has(*byte))
    }

    /// What is not in it.
    pub(super) fn others(self) -> Self {
        Self(self.0.map(|word| !word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_what_was_put_in_and_nothing_else() {
        let mut set = Set::only(b'a');
        assert_eq!((set.single(), set.others().single()), (Some(b'a'), None));
        for byte in [0, 63, 64, 127, 200] {
            set.insert(byte);
        }
        let members: Vec<u8> = (0..0x80).filter(|byte| set.has(*byte)).collect();
        assert_eq!((members, set.single()), (vec![0, 63, 64, b'a', 127], None));
        assert!(set.is_disjoint(set.others()) && !set.is_disjoint(Set::only(64)));
        set.unite(set.others());
        assert_eq!(set, Set::ALL);
    }
}
