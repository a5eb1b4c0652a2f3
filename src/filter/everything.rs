//! Every named group of an expression in a text, for who shows them: those that took no part and those that only steer
//! f2b, too.

use super::compile::Filter;
use super::names::CONTENT;
use super::pattern::Pattern;

/// Names and texts in the order of the groups; `None` for one that took no part.
pub type AllGroups<'f> = Vec<(&'f str, Option<String>)>;

impl Filter {
    /// What the prefregex captures in `text`, a line whose date is cut out and that ends in its newline; `None` if there
    /// is no prefregex or it doesn't match.
    pub fn prefregex_groups(&self, text: &str) -> Option<AllGroups<'_>> {
        self.all_of(self.prefregex.as_ref()?, text)
    }

    /// What the prefregex and then a failregex capture in `text`. Of a name that both have there is the failregex's, in
    /// the place of the prefregex's, as with fail2ban 1.0.
    pub fn all_groups(&self, regex: usize, text: &str) -> Option<AllGroups<'_>> {
        let failregex = self.failregex.get(regex)?;
        let Some(prefregex) = &self.prefregex else { return self.all_of(failregex, text) };
        let mut groups = self.all_of(prefregex, text)?;
        let content = self.group_name(CONTENT);
        let at = groups.iter().position(|(name, _)| *name == content);
        let content = at.and_then(|at| groups.remove(at).1).filter(|text| !text.is_empty());
        let text = content.map_or_else(|| text.to_owned(), |content| content + "\n");
        for (name, own) in self.all_of(failregex, &text)? {
            match groups.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = own,
                None => groups.push((name, own)),
            }
        }
        Some(groups)
    }

    fn all_of(&self, pattern: &Pattern, text: &str) -> Option<AllGroups<'_>> {
        let mut spans = pattern.spans();
        let found = pattern.search(text, &mut spans);
        let groups = pattern.groups().iter();
        let groups = groups.map(|(group, name)| {
            let value = spans.get(*group).and_then(|range| text.get(range));
            (self.group_name(*name), value.map(str::to_owned))
        });
        found.then(|| groups.collect())
    }
}
