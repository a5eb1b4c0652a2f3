//! Generated configurations and logs, in f2b and in Debian's fail2ban: both must make the same of them.
//!
//! `trees` are configuration folders, compared option by option; `logs` are filters with lines near what they
//! match, compared line by line through the command line. A disagreement is made small before it is shown; what was
//! found stays in `finds`. Each runs for `F2B_FUZZ_SECONDS` (a few in `make test`, ten minutes in `make fuzz`) from
//! `F2B_FUZZ_SEED`, which is printed.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]
#![expect(clippy::print_stderr, reason = "it says how much it compared")]

mod finds;
mod logs;
mod oracle;
#[path = "../conformance/shape.rs"]
mod shape;
mod trees;

use std::fmt::Debug;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

const SECONDS: u64 = 10;
const SEED: u64 = 1;
const ROUND: u32 = 16;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Draws cases until the time is over; stops at the first that fails, made small.
fn fuzz<C: Debug>(
    what: &str,
    cases: &impl Strategy<Value = C>,
    check: impl Fn(&C) -> Result<(), String>,
) {
    let seed = setting("F2B_FUZZ_SEED", SEED);
    let end = Instant::now() + Duration::from_secs(setting("F2B_FUZZ_SECONDS", SECONDS));
    let mut count = 0;
    while Instant::now() < end {
        let config = Config {
            cases: ROUND,
            failure_persistence: None,
            max_shrink_iters: 4000,
            ..Config::default()
        };
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&u64::from(count).to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let ran = TestRunner::new_with_rng(config, rng)
            .run(cases, |case| check(&case).map_err(TestCaseError::fail));
        match ran {
            Ok(()) => count += ROUND,
            Err(TestError::Fail(why, case)) => {
                unreachable!("{what}, seed {seed}, after {count}: {why}\n{case:#?}")
            }
            Err(TestError::Abort(why)) => unreachable!("{what}: {why}"),
        }
    }
    eprintln!("{what}: {count} cases agree, seed {seed}");
    assert!(count > 0, "no case was compared");
}

#[test]
fn generated_trees_are_alike() {
    fuzz("trees", &trees::tree(), trees::compare);
    let compared = trees::COMPARED.load(Ordering::Relaxed);
    eprintln!("trees: {compared} jails that both load");
    assert!(compared > 0, "no jail was compared");
}

#[test]
fn generated_logs_are_alike() {
    fuzz("logs", &logs::case(), logs::compare);
    let compared = logs::COMPARED.load(Ordering::Relaxed);
    eprintln!("logs: {compared} failures that both find");
    assert!(compared > 0, "no failure was compared");
}
