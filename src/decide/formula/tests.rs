#![expect(clippy::float_cmp, reason = "the same operations give the same bits")]

use proptest::prelude::*;

use super::*;

const VARIABLES: Variables = Variables { time: 600.0, count: 3, factor: 2.0 };

fn value(text: &str) -> f64 {
    Formula::parse(text).unwrap().value(VARIABLES).unwrap()
}

/// What is wrong with a formula, in whichever of the two steps.
fn error(text: &str) -> String {
    let value = Formula::parse(text).and_then(|formula| formula.value(VARIABLES));
    value.unwrap_err().to_string()
}

#[test]
fn ok_what_people_write() {
    assert_eq!(value("ban.Time * (1<<(ban.Count if ban.Count<20 else 20)) * banFactor"), 9600.0);
    let exponential = "ban.Time * math.exp(float(ban.Count+1)*banFactor)/math.exp(1*banFactor)";
    assert_eq!(value(exponential), 600.0 * 8f64.exp() / 2f64.exp());
    assert_eq!(value("ban.Time * (1.0 + ban.Count) * banFactor"), 4800.0);
    assert_eq!(value("  min(ban.Time * 2 ** ban.Count, 3600)  # an hour at most"), 3600.0);
}

#[test]
fn ok_precedence_is_pythons() {
    for (text, expected) in [
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("-2 ** 2", -4.0),
        ("2 ** -1", 0.5),
        ("2 ** 3 ** 2", 512.0),
        ("1 << 2 + 1", 8.0),
        ("1 | 2 ^ 3 & 6", 1.0),
        ("7 & 3 << 1", 6.0),
        ("10 - 4 - 3", 3.0),
        ("not 1 == 2", 1.0),
        ("not 1 or 5", 5.0),
        ("0 or 2 and 3", 3.0),
        ("1 < 2 < 3", 1.0),
        ("1 < 3 < 2", 0.0),
        ("3 > 2 > 1 > 0", 1.0),
        ("1 if 0 else 2 if 0 else 3", 3.0),
        ("1 if 2 > 1 else 0 + 5", 1.0),
        ("(1 if 1 else 2) + 5", 6.0),
        ("- - ~1", -2.0),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
}

#[test]
fn ok_whole_numbers_and_others_keep_their_arithmetic() {
    for (text, expected) in [
        ("7 / 2", 3.5),
        ("7 // 2", 3.0),
        ("-7 // 2", -4.0),
        ("-7 % 3", 2.0),
        ("7 % -3", -2.0),
        ("-7.5 % 2", 0.5),
        ("1 // 0.1", 9.0),
        ("round(2.5)", 2.0),
        ("round(3.5)", 4.0),
        ("round(2.675, 2)", 2.67),
        ("round(1250, -2)", 1200.0),
        ("int(-2.7)", -2.0),
        ("math.floor(-2.7)", -3.0),
        ("math.ceil(2.1)", 3.0),
        ("True + True", 2.0),
        ("max(1, 5.5, 3)", 5.5),
        ("math.log(8, 2)", 3.0),
        ("math.factorial(5)", 120.0),
        ("1_000", 1000.0),
        (".5e1", 5.0),
        ("-1 >> 200", -1.0),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
}

#[test]
fn ok_only_what_is_chosen_is_evaluated() {
    assert_eq!(value("1 / 0 if ban.Count < 1 else 5"), 5.0);
    assert_eq!(value("5 if ban.Count > 1 else 1 / 0"), 5.0);
    assert_eq!(value("0 and 1 / 0"), 0.0);
    assert_eq!(value("4 or 1 / 0"), 4.0);
    assert_eq!(value("2 < 1 < 1 / 0"), 0.0);
}

#[test]
fn ok_what_is_too_large_is_large() {
    assert_eq!(value("1 << 126"), 2f64.powi(126));
    assert_eq!(value("1 << 1000"), 2f64.powi(1000));
    assert_eq!(value("1 << (1 << 60)"), f64::INFINITY);
    assert_eq!(value("10 ** 30"), 1e30);
    assert_eq!(value("10 ** 10 ** 10"), f64::INFINITY);
    assert_eq!(value("math.exp(1000)"), f64::INFINITY);
    assert_eq!(value("math.factorial(100000000000)"), f64::INFINITY);
    assert_eq!(value("-(-170141183460469231731687303715884105727 - 1)"), 2f64.powi(127));
    assert_eq!(value("(-170141183460469231731687303715884105727 - 1) // -1"), 2f64.powi(127));
    assert_eq!(value("(-170141183460469231731687303715884105727 - 1) % -1"), 0.0);
}

#[test]
fn err_is_one_line_with_the_place_and_what_to_do() {
    for (text, expected) in [
        ("", "the formula ends where a value should be at column 1"),
        ("ban.Time * (", "the formula ends where a value should be at column 13"),
        ("(1 + 2", "the formula ends where ')' should be at column 7"),
        ("1 2", "'2' where an operator should be at column 3"),
        ("1 if 2", "the formula ends where 'else' should be at column 7"),
        ("ban.count", "unknown name 'ban.count' at column 1; did you mean 'ban.Count'?"),
        ("2 * math.epx(1)", "unknown name 'math.epx' at column 5; did you mean 'math.exp'?"),
        ("bantime * 2", "unknown name 'bantime' at column 1; did you mean 'ban.Time'?"),
        (
            "1 + (failures / 6)",
            "unknown name 'failures' at column 6; known are ban.Time, ban.Count, banFactor, math.*, \
             abs, float, int, max, min, pow, round",
        ),
        ("random.random()", "unknown name 'random.random' at column 1; use bantime.rndtime"),
        ("1 + 10m", "'10m' is no number at column 5; write for instance 10, 1.5 or 1e3"),
        ("010", "'010' is no number at column 1; write for instance 10, 1.5 or 1e3"),
        (
            "2 * 'a'",
            "unexpected ''' at column 5; a formula has numbers, operators, names and parentheses",
        ),
        (
            "\u{1b}",
            "unexpected '\\x1b' at column 1; a formula has numbers, operators, names and parentheses",
        ),
        ("min(1)", "wrong number of arguments of min at column 1; it takes 2 or more"),
        ("math.exp(1, 2)", "wrong number of arguments of math.exp at column 1; it takes 1"),
        ("round()", "wrong number of arguments of round at column 1; it takes 1 to 2"),
        ("1 + max", "a function that is not called at column 5; write max(…)"),
        ("1 / (ban.Count - 3)", "division by zero at column 3"),
        ("0 ** -1", "division by zero at column 3"),
        ("1 << 2.0", "a fraction where a whole number should be at column 3; use int(…)"),
        ("1 << -1", "shift by a negative number at column 3"),
        ("math.log(0)", "a value that doesn't exist at column 1"),
        ("(-8) ** 0.5", "a value that doesn't exist at column 6"),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn err_hostile_texts_exhaust_nothing() {
    let deep = format!("{}1{}", "(".repeat(900), ")".repeat(900));
    assert_eq!(
        error(&deep),
        "the formula is nested too deep at column 102; at most 100 levels are read"
    );
    for prefix in ["-", "not ", "2 ** ", "1 if 1 else ", "abs("] {
        let text = format!("{}1", prefix.repeat(150));
        assert!(error(&text).starts_with("the formula is nested too deep"), "{prefix}");
    }
    let long = "1".repeat(2001);
    assert_eq!(
        error(&long),
        "the formula is too long at column 2001; at most 2000 characters are read"
    );
    assert_eq!(value(&"1".repeat(2000)), f64::INFINITY);
    assert_eq!(value(&format!("0{}", "+1".repeat(999))), 999.0);
}

#[test]
fn a_constant_has_no_variables() {
    assert_eq!(Formula::constant("2.0 / 2.885385").unwrap(), 2.0 / 2.885_385);
    let error = Formula::constant("2 * ban.Count").unwrap_err();
    assert_eq!(
        error.to_string(),
        "'ban.Count' in what must be constant at column 5; write a number"
    );
}

proptest! {
    #[test]
    fn any_text_has_a_value_or_an_error(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "ban.Time", "ban.Count", "banFactor", "math.exp", "math.log", "round", "min", "(", ")", ",", "+",
                "-", "*", "/", "//", "%", "**", "<<", ">>", "<", "==", "&", "|", "^", "~", "if", "else", "and",
                "or", "not", "0", "1", "2", "0.5", "1e300", "170141183460469231731687303715884105727",
            ]),
            0..40,
        ),
        time in any::<f64>(),
        count in any::<u32>(),
    ) {
        if let Ok(formula) = Formula::parse(&words.join(" ")) {
            let value = formula.value(Variables { time, count, factor: -1.5 });
            if let Err(error) = value {
                prop_assert!(error.column > 0);
            }
        }
    }
}
