//! Encodings by the names that users of fail2ban know: Python's, which are looser than those of the web.

use encoding_rs::Encoding;

/// The encoding called `name`: `latin-1`, `ISO8859_15`, `cp1252`, `utf_16_le`, or `auto`, which is UTF-8; `None` if
/// there is none.
///
/// DIFFERS: names of the web go first, for which `latin-1` and `ascii` are windows-1252: it has letters where they have
/// control characters or nothing. UTF-32 is missing, as are some that Python alone knows.
pub fn encoding(name: &str) -> Option<&'static Encoding> {
    if matches!(name.trim().to_ascii_lowercase().as_str(), "" | "auto") {
        return Some(encoding_rs::UTF_8);
    }
    let label = name.trim().to_ascii_lowercase().replace('_', "-");
    let bare = label.replace('-', "");
    // `utf-16-le` and the like.
    let ended =
        label.rsplit_once('-').map(|(name, end)| format!("{name}{end}")).unwrap_or_default();
    // Python's own names for what the web calls otherwise.
    let other = match bare.as_str() {
        "latin9" | "l9" => "iso-8859-15",
        "latin10" | "l10" | "iso885916" => "iso-8859-16",
        "utf8sig" | "u8" | "cp65001" => "utf-8",
        "macroman" => "macintosh",
        "cp932" | "mskanji" => "shift_jis",
        "cp949" | "uhc" => "euc-kr",
        "cp936" => "gbk",
        "tis620" | "cp874" => "windows-874",
        _ => "",
    };
    [&label, &bare, &ended, other].iter().find_map(|label| Encoding::for_label(label.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_python_and_of_the_web() {
        for (name, wanted) in [
            ("UTF-8", "UTF-8"),
            ("utf8", "UTF-8"),
            ("auto", "UTF-8"),
            ("AUTO", "UTF-8"),
            ("utf_8", "UTF-8"),
            ("latin-1", "windows-1252"),
            ("latin1", "windows-1252"),
            ("iso8859_15", "ISO-8859-15"),
            ("cp1251", "windows-1251"),
            ("koi8_r", "KOI8-R"),
            ("utf-16", "UTF-16LE"),
            ("UTF_16_BE", "UTF-16BE"),
            ("shift_jis", "Shift_JIS"),
            ("euc_jp", "EUC-JP"),
            ("latin9", "ISO-8859-15"),
            ("utf-8-sig", "UTF-8"),
            ("mac_roman", "macintosh"),
        ] {
            assert_eq!(encoding(name).map(Encoding::name), Some(wanted), "{name}");
        }
        assert_eq!(encoding("klingon"), None);
    }
}
