"""One plain filter beside grep, and loading a configuration."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import (F2B, SAMPLE, STOCK, agree, make_log, median, output, peak, run, scan, scan_stored, speed,
                       table)

FILTER = "password-fail"
# The filter's expression with <HOST> as a program without groups would write it.
PATTERN = r"vchkpw-smtp: password fail ([^)]*) [^@]*@[^:]*:(?:(?:\d{1,3}\.){3}\d{1,3}|[\w.:-]+)"


def check(log, expected, with_fail2ban):
    """That all count the same; the seconds of fail2ban-regex if it is asked too."""
    found = json.loads(output(*scan(SAMPLE, "--dry-run", "--format", "json", log, FILTER)))
    counts = {"truth file": expected, "f2b": found["lines"]["matched"], "rg -c": int(output("rg", "-c", PATTERN, log))}
    seconds = None
    if with_fail2ban:
        path = SAMPLE / f"filter.d/{FILTER}.conf"
        seconds, _, text = run(["fail2ban-regex", log, path], subprocess.PIPE)
        line = next(line for line in text.splitlines() if line.startswith("Lines:"))
        counts["fail2ban-regex"] = int(line.split(" matched")[0].split()[-1])
    agree(log, counts)
    return seconds


def measure(options, ratio):
    small, truth = make_log(options.dir, "maillog", options.small, ratio)
    fail2ban = check(small, truth[FILTER], True)
    ours_small = median([run(scan(SAMPLE, "--dry-run", small, FILTER)) for _ in range(options.runs)])
    big, truth = make_log(options.dir, "maillog", options.size, ratio)
    matched = truth[FILTER]
    check(big, matched, False)
    dry, rg, wc = [], [], []
    for _ in range(options.runs):
        dry.append(run(scan(SAMPLE, "--dry-run", big, FILTER)))
        rg.append(run(["rg", "-c", PATTERN, big]))
        wc.append(run(["wc", "-l", big]))
    kept = [scan_stored(options.dir, SAMPLE, big, FILTER) for _ in range(max(options.runs // 2, 1))]
    size, small_size = big.stat().st_size, small.stat().st_size
    print(f"### {float(ratio):.0%} of the lines are attacks, {size / 1e6:.0f} MB, {matched} matches\n")
    programs = [("f2b scan --dry-run", dry), ("rg -c", rg), ("wc -l", wc), ("f2b scan, everything stored", kept)]
    rows = [[f"`{name}`", f"{median(samples):.2f}", f"{speed(big, median(samples)) / 1e6:.0f}", f"{peak(samples):.0f}"]
            for name, samples in programs]
    rows.append([f"`fail2ban-regex`, {small_size / 1e6:.0f} MB", f"{fail2ban:.2f}",
                 f"{speed(small, fail2ban) / 1e6:.1f}", ""])
    table(["command", "seconds", "MB/s", "peak memory, MB"], rows)
    print(f"- f2b's throughput is **{median(rg) / median(dry):.2f}** of `rg -c`'s and "
          f"{median(wc) / median(dry):.2f} of `wc -l`'s")
    per_byte = speed(big, median(dry)) / speed(small, fail2ban)
    print(f"- **{per_byte:.0f} times** `fail2ban-regex`'s throughput ({fail2ban / ours_small:.0f} times on the "
          f"same {small_size / 1e6:.0f} MB, start-up included)")
    print(f"- **{matched / median(kept):.0f} matches a second** into an empty store, text included\n")


def plain(options):
    for ratio in ("0.02", "0.40"):
        measure(options, ratio)


def load(options):
    """Loading the full stock configuration, every jail enabled and with a log."""
    with tempfile.TemporaryDirectory(dir=options.dir) as scratch:
        config, log = Path(scratch) / "fail2ban", Path(scratch) / "some.log"
        shutil.copytree(STOCK, config)
        log.touch()
        names = re.findall(r"(?m)^\[(?!INCLUDES|DEFAULT)([^]]+)\]", (config / "jail.conf").read_text())
        sections = (f"[{name}]\nenabled = true\nbackend = polling\nlogpath = {log}\n" for name in names)
        (config / "jail.local").write_text("".join(sections))
        ours, theirs = [], []
        for _ in range(2 * options.runs):
            ours.append(run([F2B, "check", "--config", config], subprocess.PIPE))
            theirs.append(run(["fail2ban-client", "-c", config, "-d"], subprocess.PIPE))
        added = sum(line.startswith("['add',") for line in theirs[0][2].splitlines())
        summary = ours[0][2].splitlines()[-1]
        if added != len(names) or f" of {len(names)} jails usable" not in summary:
            sys.exit(f"bench/run: of {len(names)} jails fail2ban loads {added}; f2b: {summary}")
    print(f"### Loading the stock configuration, all of its {len(names)} jails enabled\n")
    table(["command", "milliseconds", "peak memory, MB"],
          [[f"`{name}`", f"{1000 * median(samples):.0f}", f"{peak(samples):.0f}"]
           for name, samples in (("f2b check", ours), ("fail2ban-client -d", theirs))])
    print(f"- **{median(theirs) / median(ours):.1f} times** as fast, with every expression examined and every date "
          "pattern compiled, which `fail2ban-client -d` doesn't do\n")
