# `make test` is what CI runs: it installs what the tests need, checks format and lints, runs all tests.
# `make bench` measures; see docs/performance.md. `make build` leaves target/release/f2b, `make deb`
# a Debian package of it.

.PHONY: build man completions deb test packages format lint check fuzz bench

# The tests run Debian's fail2ban beside f2b, generate logs with Python and compress them with the usual tools.
TEST_PACKAGES = build-essential bzip2 fail2ban gzip python3 ripgrep sqlite3 xz-utils zstd
# `expect` drives f2b on a pseudo-terminal, where it shows a progress bar.
TEST_PACKAGES += expect
# What comes with the program is tried with those who use it.
TEST_PACKAGES += bash-completion dpkg-dev logrotate man-db shellcheck systemd
# Actions work on the packet filters of a network namespace.
TEST_PACKAGES += ipset iproute2 iptables nftables util-linux
# Journals are written by systemd-journal-remote and read by journalctl, and by fail2ban with python3-systemd.
TEST_PACKAGES += python3-systemd systemd systemd-journal-remote

build:
	cargo build --release

# target/man and target/completions; see packaging/manual.rs. The unoptimised program is the one that tests have built.
man completions:
	cargo run --quiet --example manual -- target

# target/f2b_VERSION_ARCHITECTURE.deb, target/f2b-fail2ban_VERSION_all.deb
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
deb: build man
	packaging/build-deb $(VERSION) target/release/f2b target target
	packaging/build-deb-fail2ban $(VERSION) target

test: packages format lint check

packages:
	@packaging/require-packages $(TEST_PACKAGES)

format:
	cargo fmt --check

lint:
	cargo clippy --all-targets --quiet -- --deny warnings

check:
	cargo build --release --quiet
	INSTA_UPDATE=no cargo test --quiet

# Ten minutes each of configurations and logs that nobody wrote, beside Debian's fail2ban; another seed each time.
fuzz:
	@packaging/require-packages $(TEST_PACKAGES)
	F2B_FUZZ_SECONDS=600 F2B_FUZZ_SEED=$$(date +%s) cargo test --quiet --test fuzz -- --nocapture generated

bench: TEST_PACKAGES += time
bench: build
	@packaging/require-packages $(TEST_PACKAGES)
	cargo bench --quiet
	bench/run
