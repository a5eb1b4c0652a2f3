use super::*;

fn plain(pattern: &str) -> String {
    let translated = translate(pattern, Lines::One).expect("translates");
    assert_eq!(translated.narrowing, Vec::<&str>::new(), "{pattern}");
    assert_eq!(translated.plain, translated.exact);
    translated.plain
}

#[test]
fn what_means_the_same_stays_the_same() {
    for text in ["^a(?:b|c)*?d{2,3}$|x", r"\bfoo\.bar\d+", "(?P<user>a)(b)", "(?i)x", "(?i:x)y"] {
        assert_eq!(plain(text), text.replace('$', "(?m:$)"));
    }
}

#[test]
fn braces_that_repeat_nothing_are_literal() {
    assert_eq!(plain("a{,3}b{x}c{}"), r"a{0,3}b\{x\}c\{\}");
}

#[test]
fn a_class_holds_its_members_literally() {
    assert_eq!(plain("[^[]a"), r"[^\x5B]a");
    assert_eq!(plain("[]a-z]"), r"[\x5Da-z]");
    assert_eq!(plain("[a&&b-]"), r"[a\x26\x26b\x2D]");
    assert_eq!(plain(r"[\d\-x]"), r"[\d\x2Dx]");
}

#[test]
fn needless_escapes_lose_their_backslash() {
    assert_eq!(plain(r"\/\<\>\ \:\_"), "/<> :_");
    assert_eq!(plain(r"\x41\n\101"), r"A\nA");
}

#[test]
fn look_around_is_left_out_of_the_plain_form() {
    let found =
        translate(r#"a(?!b(c))d(?(1)e|f)(?P<q>['"])x(?P=q)"#, Lines::One).expect("translates");
    assert_eq!(found.plain, r"a(?:)d(?:e|f)(?P<q>[\x27\x22])x(?s:.*?)");
    assert_eq!(found.exact, r"a(?!b(c))d(?(1)e|f)(?P<q>[\x27\x22])x(?P=q)");
    assert_eq!(found.narrowing, ["look-ahead", "conditional", "back-reference"]);
    let named = translate("(?P<a>x)?(?(a)y)", Lines::One).expect("translates");
    assert_eq!((&*named.exact, &*named.plain), ("(?P<a>x)?(?(<a>)y|)", "(?P<a>x)?(?:y|)"));
}

#[test]
fn verbose_text_loses_its_blanks() {
    assert_eq!(plain("(?x)a b # c\n [ x]"), r"ab[\x20x]");
    assert_eq!(plain("(?x)a b # the (rest"), "ab");
    assert_eq!(plain(r"a(?# no \) end )b"), "ab");
}

#[test]
fn what_takes_no_character_is_repeated_once() {
    for (text, exact) in [
        ("(?!y)+x", "(?!y)x"),
        ("(?=y)*x", "(?:(?=y)|)x"),
        ("(?=y)??x", "(?:|(?=y))x"),
        ("(?:(?!y)){2}x", "(?:(?!y))x"),
        ("(?:(?!y)a)*x", "(?:(?!y)a)*x"),
    ] {
        assert_eq!(translate(text, Lines::One).expect("translates").exact, exact);
    }
}

#[test]
fn classes_are_of_ascii_where_that_is_said() {
    assert_eq!(plain(r"(?a)\w(?u:\d)[\s]"), r"[0-9A-Za-z_](?:\d)[[\t-\r ]]");
    assert_eq!(plain(r"(?a:\d)\d"), r"(?:[0-9])\d");
    assert_eq!(plain("(?i)(?s)x"), "(?i)(?s)x");
}

#[test]
fn err_what_python_refuses() {
    for text in [
        r"\i",
        "a**",
        "x{2}{3}",
        "*a",
        "^*",
        "[a",
        "(a",
        "a)",
        r"[\d-z]",
        "[z-a]",
        "(?P<a-b>x)",
        "(?P<a>x)(?P<a>y)",
        r"(a)\2",
        "a(?i)",
        "(?y)",
        "a\\",
    ] {
        assert!(translate(text, Lines::One).is_err(), "{text}");
    }
}
