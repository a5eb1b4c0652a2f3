"""What the sections of bench/run measure with: logs, processes, medians."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
F2B = ROOT / "target/release/f2b"
SAMPLE = ROOT / "tests/data/sample"
STOCK = Path("/etc/fail2ban")


def run(command, out=subprocess.DEVNULL):
    """Runs a command; its seconds, its peak memory in MB, its output if asked for."""
    with tempfile.NamedTemporaryFile("r") as peak:
        # A process counts its parent's memory as its own until it becomes another program: this one's is too much.
        timed = ["time", "--quiet", "--format=%M", f"--output={peak.name}", *command]
        begin = time.perf_counter()
        ran = subprocess.run(timed, stdout=out, stderr=subprocess.DEVNULL)
        seconds = time.perf_counter() - begin
        if ran.returncode not in (0, 1):
            sys.exit(f"bench/run: {command[0]} failed: {' '.join(map(str, command))}")
        return seconds, int(peak.read()) / 1024, (ran.stdout or b"").decode(errors="replace")


def output(*command):
    return run(command, subprocess.PIPE)[2]


def scan(config, *operands):
    """f2b's command line; the operands are logs, then what to look for."""
    return [F2B, "scan", "--config", config, "--quiet", *operands]


def scan_stored(folder, config, *operands):
    """Runs a scan that stores everything, into a store of its own."""
    with tempfile.TemporaryDirectory(dir=folder) as store:
        return run(scan(config, "--db", f"{store}/f2b.sqlite3", *operands))


def make_log(folder, profile, size, ratio):
    """A log, made once and kept in `folder`, and how many lines of it match each filter."""
    log = folder / f"{profile}-{size}-{ratio}.log"
    truth = log.with_suffix(".json")
    if not (log.exists() and truth.exists()):
        subprocess.run(
            [sys.executable, ROOT / "bench/gen_logs.py", "--profile", profile, "--size", size,
             "--attack-ratio", ratio, "--seed", "1", "--out", log, "--truth", truth],
            check=True, stderr=subprocess.DEVNULL)
    filters = json.loads(truth.read_text())["filters"]
    subprocess.run(["cat", log], stdout=subprocess.DEVNULL, check=True)  # into the page cache
    return log, {name: counts["matched_lines"] for name, counts in filters.items()}


def agree(log, counts):
    """All count the same, or there is nothing to compare."""
    if any(count != next(iter(counts.values())) for count in counts.values()):
        sys.exit(f"bench/run: the counts differ on {log}: {counts}")


def median(samples):
    return statistics.median(seconds for seconds, _, _ in samples)


def fastest(samples):
    return min(seconds for seconds, _, _ in samples)


def peak(samples):
    return max(mb for _, mb, _ in samples)


def speed(log, seconds):
    """Bytes a second."""
    return log.stat().st_size / seconds


def table(titles, rows):
    """Prints a Markdown table; the first column is text."""
    print("| " + " | ".join(titles) + " |")
    print("|---|" + "---:|" * (len(titles) - 1))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()
