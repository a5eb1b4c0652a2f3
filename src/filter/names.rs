//! The names of groups, by number.

/// Number of a group's name in its filter; those that mean something have fixed numbers.
pub(super) type NameId = u16;

/// The names that mean something, in the order of the constants below.
pub(super) const RESERVED: [&str; 11] = [
    "ip4",
    "ip6",
    "dns",
    "cidr",
    "fid",
    "mlfid",
    "nofail",
    "mlfforget",
    "mlfgained",
    "content",
    "user",
];
pub(super) const IP4: NameId = 0;
pub(super) const IP6: NameId = 1;
pub(super) const DNS: NameId = 2;
pub(super) const CIDR: NameId = 3;
pub(super) const FID: NameId = 4;
pub(super) const MLFID: NameId = 5;
pub(super) const NOFAIL: NameId = 6;
pub(super) const MLFFORGET: NameId = 7;
pub(super) const MLFGAINED: NameId = 8;
pub(super) const CONTENT: NameId = 9;
pub(super) const USER: NameId = 10;

/// Names of groups; a group is known by its name's number.
#[derive(Debug)]
pub(super) struct Names(pub(super) Vec<String>);

impl Names {
    pub(super) fn id(&mut self, name: &str) -> NameId {
        let at = self.0.iter().position(|known| known == name).unwrap_or_else(|| {
            self.0.push(name.to_owned());
            self.0.len() - 1
        });
        NameId::try_from(at).unwrap_or(NameId::MAX)
    }

    /// Names of groups such as `alt_NAME` and `alt_NAME_1`, sorted, beside the `NAME` that they help.
    pub(super) fn helpers(
        &mut self,
        prefix: &str,
        groups: &[(usize, NameId)],
    ) -> Vec<(NameId, NameId)> {
        let mut found: Vec<(String, String)> = Vec::new();
        for name in groups.iter().filter_map(|(_, id)| self.0.get(usize::from(*id))) {
            let Some(stem) = name.strip_prefix(prefix) else { continue };
            let numbered =
                stem.rsplit_once('_').filter(|(_, n)| n.bytes().all(|b| b.is_ascii_digit()));
            let stem = match numbered.map_or(stem, |(stem, _)| stem) {
                "id" => "fid",
                "port" => "fport",
                stem => stem,
            };
            found.push((name.clone(), stem.to_owned()));
        }
        found.sort();
        found.iter().map(|(helper, name)| (self.id(helper), self.id(name))).collect()
    }
}
