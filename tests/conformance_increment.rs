//! Bans that get longer, beside Debian's fail2ban: the same options and earlier bans to both, the same lengths from
//! both; and the formulas alone, with Python as the judge.
//!
//! Fails if fail2ban is missing; `make packages` installs it. What is generated is fixed by a seed, so that a
//! difference can be looked at again.

#![expect(clippy::unwrap_used, reason = "a test ends where its helper fails")]
#![expect(clippy::cast_possible_truncation, reason = "saturates, as f2b does")]
#![expect(clippy::float_cmp, reason = "exactly -1 means for good")]

#[path = "conformance/python.rs"]
mod python;

use f2b::decide::{Formula, Increment, IncrementOptions, Variables};
use f2b::model::BanTime;
use serde_json::{Value, json};

const COUNTS: [u32; 9] = [0, 1, 2, 3, 5, 7, 20, 21, 100];

/// A small generator of numbers (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % limit as u64).unwrap()
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// An expression with at most so many levels. Exponents and shifts are kept small: Python would take its time.
    fn expression(&mut self, depth: usize) -> String {
        const ATOMS: [&str; 14] = [
            "ban.Time",
            "ban.Count",
            "banFactor",
            "0",
            "1",
            "2",
            "3",
            "7",
            "10",
            "0.5",
            "2.5",
            "1e3",
            "math.pi",
            "True",
        ];
        if depth == 0 {
            return self.one(&ATOMS).to_owned();
        }
        let depth = depth - 1;
        let (a, b) = (self.expression(depth), self.expression(depth));
        match self.below(12) {
            0 => format!("{a} if {b} else {}", self.expression(depth)),
            // Of something below zero, Python's answer may be a complex number.
            1 => format!("abs({a}) {} (({b}) % 3)", self.one(&["**", "<<", ">>"])),
            2 => format!("{}{a}", self.one(&["-", "+", "~", "not ", "- -"])),
            3 => format!("{a} {} {b}", self.one(&["<", "<=", "==", "!=", ">", ">="])),
            4 => format!("{a} < {b} <= {}", self.expression(depth)),
            5 => {
                const FUNCTIONS: [&str; 14] = [
                    "abs",
                    "bool",
                    "float",
                    "int",
                    "round",
                    "math.ceil",
                    "math.floor",
                    "math.trunc",
                    "math.sqrt",
                    "math.log",
                    "math.log2",
                    "math.log10",
                    "math.fabs",
                    "math.atan",
                ];
                format!("{}({a})", self.one(&FUNCTIONS))
            }
            6 => format!("{}({a}, {b})", self.one(&["min", "max", "math.fmod", "math.log"])),
            7 => format!("{a} {} {b}", self.one(&["and", "or", "&", "|", "^"])),
            8 => format!("round({a}, {})", self.one(&["0", "1", "2", "5"])),
            9 => format!("({a})"),
            _ => format!("{a} {} {b}", self.one(&["+", "-", "*", "/", "//", "%"])),
        }
    }
}

/// What fail2ban answers to each query: a list of words.
fn fail2ban(queries: &[Value]) -> Vec<Vec<String>> {
    let input = queries.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let text = python::answers("increment.py", &[], input);
    let answers: Vec<_> =
        text.lines().map(|line| line.split(' ').map(str::to_owned).collect()).collect();
    assert_eq!(answers.len(), queries.len());
    answers
}

/// Equal but for the last bits: Python's whole numbers are exact where ours have become floating point ones.
fn is_near(ours: f64, theirs: f64) -> bool {
    let is_same = ours.to_bits() == theirs.to_bits() || (ours.is_nan() && theirs.is_nan());
    is_same || (ours - theirs).abs() <= theirs.abs() * 1e-12
}

/// Compares values of formulas and says how many there were of them, and of errors.
fn compare_formulas(cases: &[(String, f64, &str)]) -> (usize, usize) {
    let query = |(formula, time, factor): &(String, f64, &str)| {
        // Python tells 600 from 600.0.
        let time = if time.fract() == 0.0 { json!(*time as i64) } else { json!(time) };
        json!({"formula": formula, "factor": factor, "time": time, "counts": COUNTS})
    };
    let answers = fail2ban(&cases.iter().map(query).collect::<Vec<_>>());
    let (mut values, mut errors) = (0, 0);
    for ((text, time, factor), answers) in cases.iter().zip(answers) {
        let formula = Formula::parse(text);
        let factor = Formula::constant(factor).unwrap();
        for (count, theirs) in COUNTS.into_iter().zip(answers) {
            let variables = Variables { time: *time, count, factor };
            let ours =
                formula.as_ref().map_err(Clone::clone).and_then(|formula| formula.value(variables));
            let is_same = match theirs.strip_prefix("error:") {
                None => ours.as_ref().is_ok_and(|ours| is_near(*ours, theirs.parse().unwrap())),
                // Too large for Python, where f2b goes on with the infinite.
                Some("OverflowError") => continue,
                Some(_) => ours.is_err(),
            };
            assert!(is_same, "{text} at {time}, {count}, {factor}: {ours:?} and {theirs}");
            values += usize::from(ours.is_ok());
            errors += usize::from(ours.is_err());
        }
    }
    (values, errors)
}

#[test]
fn formulas_that_people_write_have_pythons_values() {
    const FORMULAS: [&str; 19] = [
        "ban.Time * (1<<(ban.Count if ban.Count<20 else 20)) * banFactor",
        "ban.Time * math.exp(float(ban.Count+1)*banFactor)/math.exp(1*banFactor)",
        "ban.Time * (1.0 + ban.Count) * banFactor",
        "ban.Time * math.pow(5, ban.Count)",
        "ban.Time * 2**ban.Count * banFactor",
        "ban.Time + ban.Count * 3600 if ban.Count < 10 else 10**9",
        "min(ban.Time * math.exp(ban.Count / 2.0), 86400 * 30)",
        "ban.Time * max(1, math.log(ban.Count + 1, 2)) * banFactor",
        "int(ban.Time * (1 + math.sqrt(ban.Count))) // 60 * 60",
        "round(ban.Time * 1.5 ** ban.Count, -1)",
        "round(ban.Time * 1.5 ** ban.Count, 2)",
        "60 if ban.Count < 2 else 3600 if ban.Count < 5 else 86400",
        "ban.Time * (ban.Count > 3 and 10 or 2)",
        "ban.Time * (not ban.Count == 0) + 60 # at least a minute",
        "1 << ban.Count << 3",
        "ban.Time/(ban.Count-2)",
        "math.exp(ban.Count * 50)",
        "math.floor(-ban.Time / 7) % 1000",
        "math.factorial(ban.Count) * banFactor",
    ];
    let times = [600.0, 1.0, 86_400.0, 0.5, 600.5];
    let factors = ["1", "2", "0.5", "2.0 / 2.885385", "24"];
    let cases = FORMULAS.iter().flat_map(|text| {
        times.into_iter().flat_map(move |time| {
            factors.into_iter().map(move |factor| ((*text).to_owned(), time, factor))
        })
    });
    let (values, errors) = compare_formulas(&cases.collect::<Vec<_>>());
    assert!(values > 4000 && errors > 20, "{values} values, {errors} errors");
}

#[test]
fn generated_formulas_have_pythons_values() {
    let mut random = Random(20_261_126);
    let cases: Vec<_> = (0..3000)
        .map(|_| {
            let depth = 1 + random.below(4);
            let time = random.one(&[600.0, 1.0, 3.0, 0.5, 1234.5]);
            (random.expression(depth), time, random.one(&["1", "2", "-3", "0.5", "2.75"]))
        })
        .collect();
    let (values, errors) = compare_formulas(&cases);
    assert!(values > 15_000 && errors > 1000, "{values} values, {errors} errors");
}

/// Options as they are written, and as f2b takes them.
type Case = (Value, IncrementOptions<'static>, f64, f64);

fn case(random: &mut Random) -> Case {
    const FORMULAS: [Option<&str>; 5] = [
        None,
        Some("ban.Time * math.exp(float(ban.Count+1)*banFactor)/math.exp(1*banFactor)"),
        Some("ban.Time * (1.0 + ban.Count) * banFactor"),
        Some("ban.Time * banFactor / 3"),
        Some("ban.Time * banFactor / (ban.Count - 2)"),
    ];
    const MULTIPLIERS: [&str; 6] =
        ["", "1 2 4 8 16 32 64", "1 5 30 60 300 720 1440 2880", "3", "7 0 1", "1 2 -4"];
    let factor = random.one(&["1", "2", "0.5", "2.0 / 2.885385", "7", "0.1", "3.7"]);
    let formula = random.one(&FORMULAS);
    let multipliers = if random.below(2) == 0 { "" } else { random.one(&MULTIPLIERS) };
    let mut maxtime = |of: &[i64]| random.one(of).checked_sub(1);
    let (maxtime, rndtime) =
        (maxtime(&[i64::MIN, i64::MIN, 1, 301, 3601, 604_801]), random.one(&[0, 0, 7, 3600]));
    let mut options = json!({"factor": factor});
    let mut set = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            options[name] = value.into();
        }
    };
    set("formula", formula.map(str::to_owned));
    set("multipliers", Some(multipliers.to_owned()).filter(|text| !text.is_empty()));
    set("maxtime", maxtime.map(|secs| secs.to_string()));
    set("rndtime", Some(rndtime.to_string()).filter(|_| rndtime > 0));
    let ours = IncrementOptions {
        factor: Formula::constant(factor).unwrap(),
        formula,
        multipliers: multipliers.split_whitespace().map(|word| word.parse().unwrap()).collect(),
        maxtime_us: maxtime.map(|secs| secs * 1_000_000),
        rndtime_us: Some(rndtime * 1_000_000),
        overalljails: false,
    };
    let base = random.one(&[600.0, 1.0, 86_400.0, 0.5, 1e9, 0.0, -1.0]);
    (options, ours, base, random.one(&[0.0, 0.25, 0.999]))
}

/// Seconds as a length; what is below zero lets go at once.
fn length(secs: f64) -> BanTime {
    if secs == -1.0 {
        BanTime::Permanent
    } else {
        BanTime::Micros((secs * 1e6).round().max(0.0) as i64)
    }
}

fn is_near_length(ours: BanTime, theirs: BanTime) -> bool {
    match (ours, theirs) {
        (BanTime::Micros(ours), BanTime::Micros(theirs)) => is_near(ours as f64, theirs as f64),
        _ => ours == theirs,
    }
}

#[test]
fn generated_options_make_the_same_lengths() {
    let mut random = Random(9);
    let cases: Vec<_> = (0..600).map(|_| case(&mut random)).collect();
    let queries = cases.iter().map(|(options, _, base, random)| {
        json!({"options": options, "base": base, "random": random, "counts": COUNTS})
    });
    let answers = fail2ban(&queries.collect::<Vec<_>>());
    let (mut longer, mut failed) = (0, 0);
    for ((options, ours, base, random), answers) in cases.iter().zip(answers) {
        let increment = Increment::compile(ours.clone()).unwrap();
        for (count, theirs) in COUNTS.into_iter().zip(answers) {
            let bantime = length(*base);
            let ours = increment.length(bantime, count, *random);
            let theirs = length(theirs.parse().unwrap());
            let what = format!("{options} with {base} s, {count} bans, random {random}");
            assert!(is_near_length(ours, theirs), "{what}: {ours:?} and {theirs:?}");
            longer += usize::from(ours != bantime);
            failed += usize::from(increment.try_length(bantime, count, *random).is_err());
        }
    }
    assert!(longer > 2000 && failed > 20, "{longer} of another length, {failed} errors");
}

#[test]
fn failures_of_known_hosts_weigh_the_same() {
    let maxretries = [1, 2, 3, 5, 10, 1000];
    let queries = maxretries.map(|maxretry| json!({"maxretry": maxretry, "counts": COUNTS}));
    for (maxretry, answers) in maxretries.into_iter().zip(fail2ban(&queries)) {
        let ours = COUNTS.map(|count| f64::from(Increment::weight(count, maxretry)));
        let theirs: Vec<f64> = answers.iter().map(|word| word.parse().unwrap()).collect();
        assert_eq!(ours.as_slice(), theirs, "at maxretry {maxretry}");
    }
}
