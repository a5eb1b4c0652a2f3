//! Finding and resolving the dates of uniform logs: time per line, single thread.
//!
//! `cargo bench --bench date`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use f2b::date::{Resolver, Templates, YearWindow};
use f2b::model::{Time, Zone};

const LINES: usize = 10_000;

fn log(line: impl Fn(usize) -> String) -> Vec<String> {
    (0..LINES).map(line).collect()
}

fn clock(n: usize) -> String {
    format!("{:02}:{:02}:{:02}", n / 18_000 % 24, n / 300 % 60, n / 5 % 60)
}

fn logs() -> Vec<(&'static str, Vec<String>)> {
    let text = "host sshd[4711]: Failed password for root from 192.0.2.77 port 2222 ssh2";
    let seconds = |n: usize| 1_700_000_000 + n / 5;
    vec![
        ("syslog", log(|n| format!("Nov 23 {} {text}", clock(n)))),
        ("iso", log(|n| format!("2026-11-23T{}.123456+01:00 {text}", clock(n)))),
        ("iso-blank", log(|n| format!("2026-11-23 {},123 {text}", clock(n)))),
        ("tai64n", log(|n| format!("@40000000{:08x}2dbdf024 {text}", seconds(n)))),
        ("epoch", log(|n| format!("{}.123 {text}", seconds(n)))),
        (
            "web",
            log(|n| {
                let host = n * 7919 % 256;
                format!(
                    "192.0.2.{host} - - [23/Nov/2026:{} +0100] \"GET / HTTP/1.1\" 404",
                    clock(n)
                )
            }),
        ),
        ("undated", log(|_| "a line without a date, as they follow a stack trace".to_owned())),
        ("undated-digits", log(|n| format!("a line {n} without a date, at 192.0.2.77"))),
    ]
}

fn bench(criterion: &mut Criterion) {
    let zone = Zone::parse("Europe/Zurich").expect("it is one");
    let now = Time::from_secs(1_795_500_000);
    let templates = Templates::builtin(YearWindow::archive());
    let mut group = criterion.benchmark_group("date");
    group.throughput(Throughput::Elements(LINES as u64));
    for (name, lines) in logs() {
        group.bench_function(format!("find/{name}"), |bencher| {
            let mut detector = templates.detector();
            bencher.iter(|| {
                for line in &lines {
                    black_box(detector.find(black_box(line.as_bytes())));
                }
            });
        });
        group.bench_function(format!("resolve/{name}"), |bencher| {
            let mut detector = templates.detector();
            let found = lines.iter().filter_map(|line| detector.find(line.as_bytes()));
            let stamps: Vec<_> = found.map(|found| found.stamp).collect();
            let mut resolver = Resolver::new(zone, None, now);
            bencher.iter(|| {
                for stamp in &stamps {
                    black_box(resolver.resolve(black_box(stamp), None));
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
