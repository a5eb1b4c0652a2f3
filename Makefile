# `make test` is what CI runs: it installs what the tests need, checks format and lints, runs all tests.
# `make bench` measures; see docs/performance.md. `make build` leaves target/release/f2b.

.PHONY: build man completions test packages format lint check fuzz bench

# The tests run Debian's fail2ban beside f2b, generate logs with Python and compress them with the usual tools.
TEST_PACKAGES = build-essential bzip2 fail2ban gzip python3 ripgrep sqlite3 xz-utils zstd
# `expect` drives f2b on a pseudo-terminal, where it shows a progress bar.
TEST_PACKAGES += expect
# Man pages and completions are tried where they are used.
TEST_PACKAGES += bash-completion logrotate man-db systemd
# Actions work on the packet filters of a network namespace.
TEST_PACKAGES += ipset iproute2 iptables nftables util-linux
# Journals are written by systemd-journal-remote and read by journalctl, and by fail2ban with python3-systemd.
TEST_PACKAGES += python3-systemd systemd systemd-journal-remote

build:
	cargo build --release

# target/man and target/completions; see packaging/manual.rs. The unoptimised program is the one that tests have built.
man completions:
	cargo run --quiet --example manual -- target

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
