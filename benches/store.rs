//! Writing what a scan finds, into an empty store, a full one, and one that knows it all: records per second,
//! single thread, text included.
//!
//! The log is made up: 118 bytes a line on average, 5000 hosts after a power law (few are busy, many are rare), every
//! line a failure. `cargo bench --bench store`.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use f2b::model::{Fields, Head, Host, Origin, Time};
use f2b::store::{Record, Scanned, Store};
use tempfile::TempDir;

/// Records of one call of `write`, as the engine hands them over.
const BATCH: usize = 50_000;
/// Batches of one round.
const BATCHES: usize = 20;
const HOSTS: u32 = 5000;

/// A log as the engine sees it: lines and who is meant.
struct Log {
    lines: Vec<String>,
    hosts: Vec<Host>,
}

impl Log {
    fn new(len: usize) -> Self {
        let mut random = 88_172_645_463_325_252_u64;
        let mut lines = Vec::with_capacity(len);
        let mut hosts = Vec::with_capacity(len);
        for n in 0..len {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let host = power_law(random);
            let ip = std::net::Ipv4Addr::from(0x0a00_0000 + host * 7919);
            lines.push(format!(
                "Nov 23 {:02}:{:02}:{:02} server sshd[{}]: Failed password for invalid user admin{} from {ip} port {} ssh2: padding",
                n / 3600 % 24, n / 60 % 60, n % 60, 10_000 + n % 20_000, n % 100, 1024 + n % 60_000,
            ));
            hosts.push(Host::Addr(f2b::model::Addr::host(ip.into())));
        }
        Self { lines, hosts }
    }

    fn records(&self) -> Vec<Record<'_>> {
        let mut offset = 0;
        let lines = (0_i64..).zip(self.lines.iter().zip(&self.hosts));
        lines
            .map(|(n, (text, host))| {
                let record = Record {
                    offset,
                    line: n.unsigned_abs() + 1,
                    text: text.as_bytes(),
                    time: Some(Time::from_secs(1_790_000_000 + n / 10)),
                    regex: 3,
                    nofail: false,
                    host: Some(host.clone()),
                    fields: Fields::NONE,
                    whole: None,
                    failure: true,
                };
                offset += text.len() as u64 + 1;
                record
            })
            .collect()
    }
}

/// One of the hosts; the k-th about as often as 1/k.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 <= x < HOSTS")]
fn power_law(random: u64) -> u32 {
    let uniform = (random >> 11) as f64 / (1_u64 << 53) as f64;
    (f64::from(HOSTS).powf(uniform) - 1.0) as u32
}

/// Writes `records`, a batch per transaction; how many failures were new.
fn fill(path: &Path, head: &str, records: &[Record<'_>]) -> u64 {
    let mut store = Store::open(path).expect("a folder of our own");
    let log = store
        .log(&Head::from_bytes(head.as_bytes()), "/var/log/auth.log", Time::from_secs(0))
        .expect("disk space");
    let filter = store.filter("sshd", "Failed password").expect("disk space");
    let jail = store.jail("sshd").expect("disk space");
    let source = Scanned { log, filter, jail, origin: Origin::Scan };
    let write = |records| {
        let mut batch = store.begin().expect("the only writer");
        let written = batch.write(source, records).expect("disk space");
        batch.commit().expect("disk space");
        written.failures
    };
    records.chunks(BATCH).map(write).sum()
}

/// A folder with a store that holds `records`.
fn filled(records: &[Record<'_>]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert_eq!(fill(&store_in(&folder), "the first log", records), records.len() as u64);
    folder
}

/// A copy of the store in `folder`, in a folder of its own.
fn copied(folder: &TempDir) -> TempDir {
    let copy = tempfile::tempdir().expect("a temporary folder");
    fs::copy(store_in(folder), store_in(&copy)).expect("disk space");
    copy
}

fn store_in(folder: &TempDir) -> PathBuf {
    folder.path().join("f2b.sqlite")
}

fn write(criterion: &mut Criterion) {
    let log = Log::new(BATCH * BATCHES);
    let records = log.records();
    let mut group = criterion.benchmark_group("store");
    group.sample_size(10).throughput(Throughput::Elements(records.len() as u64));
    group.bench_function("write into an empty store", |bencher| {
        bencher.iter_batched_ref(
            || tempfile::tempdir().expect("a temporary folder"),
            |folder| black_box(fill(&store_in(folder), "the first log", &records)),
            BatchSize::PerIteration,
        );
    });
    let full = filled(&records);
    group.bench_function("write another log into a store of a million matches", |bencher| {
        bencher.iter_batched_ref(
            || copied(&full),
            |folder| black_box(fill(&store_in(folder), "another log", &records)),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("write what is known", |bencher| {
        bencher.iter(|| assert_eq!(fill(&store_in(&full), "the first log", &records), 0));
    });
    group.finish();
}

criterion_group!(benches, write);
criterion_main!(benches);
