//! An indented JSON object whose last member is an array, written element by element.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use crate::text::json_shown;

/// The object, as serde_json would indent it were it written at once.
///
/// Nothing is written before the first element or the end: what fails at once leaves no trace.
pub struct Array<'o> {
    out: &'o mut dyn Write,
    /// What stands before the first element, until it is written.
    head: Option<String>,
}

impl<'o> Array<'o> {
    /// The object whose first members are `first`, each a text or a number, before the array called `name`.
    pub fn new(out: &'o mut dyn Write, first: &[(&str, Value)], name: &str) -> Self {
        let quoted = |text: &str| Value::from(text).to_string();
        let shown = |value: &Value| json_shown(&value.to_string()).into_owned();
        let first: Vec<_> = first
            .iter()
            .map(|(name, value)| format!("  {}: {},\n", quoted(name), shown(value)))
            .collect();
        let head = format!("{{\n{}  {}: [", first.concat(), quoted(name));
        Self { out, head: Some(head) }
    }

    /// Writes the next element.
    pub fn element<T: Serialize>(&mut self, element: &T) -> io::Result<()> {
        // No string of JSON has a line end in it: what is a line here is one of the indented form.
        let text = serde_json::to_string_pretty(element)?;
        let text = json_shown(&text).replace('\n', "\n    ");
        write!(self.out, "{}\n    {text}", self.head.take().as_deref().unwrap_or(","))
    }

    /// Ends the array, the object and the line.
    pub fn end(self) -> io::Result<()> {
        match self.head {
            Some(head) => writeln!(self.out, "{head}]\n}}"),
            None => writeln!(self.out, "\n  ]\n}}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_indented_as_if_it_were_written_at_once() {
        for elements in [json!([]), json!([{"a": [], "b": "x\ny"}, {"c": [1, {"d": null}]}, 3])] {
            let mut out = Vec::new();
            let mut array = Array::new(&mut out, &[("host", "a\"b".into())], "events");
            for element in elements.as_array().unwrap() {
                array.element(element).unwrap();
            }
            array.end().unwrap();
            let mut whole = serde_json::Map::new();
            whole.insert("host".to_owned(), json!("a\"b"));
            whole.insert("events".to_owned(), elements);
            // The members of a map are sorted; here they are in the order they were given.
            let found: Value = serde_json::from_slice(&out).unwrap();
            assert_eq!(found, Value::Object(whole.clone()));
            let events = serde_json::to_string_pretty(&json!({"events": whole["events"]})).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert_eq!(text.replace("  \"host\": \"a\\\"b\",\n", ""), format!("{events}\n"));
        }
    }
}
