//! The texts of the first protocols, which escape what would end their line.

/// A text as `UNICODE` has it: bytes are the first 256 characters, `\u` and `\U` the others. `None` if an escape is cut
/// short or names no character; half of a surrogate pair becomes U+FFFD.
pub(super) fn raw_unicode(line: &[u8]) -> Option<String> {
    let mut units: Vec<u32> = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let digits = match (byte, rest.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            // Of two backslashes, the second escapes nothing.
            (b'\\', Some(&next)) => {
                units.extend([u32::from(byte), u32::from(next)]);
                rest = rest.get(1..)?;
                continue;
            }
            _ => {
                units.push(u32::from(byte));
                continue;
            }
        };
        units.push(hexadecimal(rest.get(1..=digits)?)?);
        rest = rest.get(digits + 1..)?;
    }
    joined(&units)
}

/// Python 2 wrote what is beyond U+FFFF as two surrogates.
fn joined(units: &[u32]) -> Option<String> {
    let mut text = String::with_capacity(units.len());
    let mut units = units.iter().copied().peekable();
    while let Some(unit) = units.next() {
        let low = units.peek().copied().filter(|low| (0xdc00..0xe000).contains(low));
        let code = match (unit, low) {
            (0xd800..0xdc00, Some(low)) => {
                units.next();
                0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
            }
            (0xd800..0xe000, _) => 0xfffd,
            _ => unit,
        };
        text.push(char::from_u32(code)?);
    }
    Some(text)
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok()?;
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(())?;
    u32::from_str_radix(digits, 16).ok()
}

/// A text as `STRING` has it: quoted as in a program of Python 2. `None` if it is not.
pub(super) fn quoted(line: &[u8]) -> Option<Vec<u8>> {
    let (&quote, rest) = line.trim_ascii().split_first()?;
    let (&last, mut rest) = rest.split_last()?;
    if quote != last || !matches!(quote, b'\'' | b'"') {
        return None;
    }
    let mut bytes = Vec::with_capacity(rest.len());
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let (&escaped, after) = rest.split_first()?;
        rest = after;
        bytes.push(match escaped {
            b'\\' | b'\'' | b'"' => escaped,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'x' => {
                let digits = rest.get(..2)?;
                rest = rest.get(2..)?;
                u8::try_from(hexadecimal(digits)?).ok()?
            }
            _ => return None,
        });
    }
    Some(bytes)
}
