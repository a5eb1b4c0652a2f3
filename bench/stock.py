"""The filters that most people run, as fail2ban ships them; several jails on one log."""

import json
import re
import shutil
import sqlite3
import subprocess
import tempfile
from pathlib import Path

from measuring import (F2B, SAMPLE, STOCK, agree, fastest, make_log, median, output, run, scan, scan_stored, speed,
                       table)

# These are long runs: so many are enough.
RUNS = 3
# Filter, log, and the filter that the log's truth file counts.
FILTERS = (
    ("sshd", "auth", "sshd"),
    ("sshd[mode=aggressive]", "auth", None),
    ("postfix", "postfix", "postfix"),
    ("dovecot", "postfix", "dovecot"),
    ("nginx-botsearch", "nginx", "nginx-botsearch"),
)
# The name of a jail, its filter.
AUTH_JAILS = {"sshd": "sshd", "sshd-aggressive": "sshd[mode=aggressive]", "pam": "pam-generic", "proftpd": "proftpd",
              "vsftpd": "vsftpd"}
SAMPLE_JAILS = ("password-fail", "username-notfound", "vpopmail", "dos-hosts", "squirrelmail-iptables")


def of_fail2ban(text):
    """What fail2ban-regex counted: lines in all, ignored, matched, missed; hits of failregexes."""
    lines = re.search(r"(?m)^Lines: (\d+) lines, (\d+) ignored, (\d+) matched, (\d+) missed", text)
    return [*map(int, lines.groups()), int(re.search(r"(?m)^Failregex: (\d+) total", text)[1])]


def of_f2b(text):
    report = json.loads(text)
    lines = [report["lines"][kind] for kind in ("total", "ignored", "matched", "missed")]
    return [*lines, sum(regex["hits"] for regex in report["failregex"])]


def measure(options, name, profile, truth_name, ratio):
    """A row of the table: both on the small log, which is fail2ban's; f2b's own figures on the larger one."""
    small, _ = make_log(options.dir, profile, options.stock_small, ratio)
    theirs, ours = [], []
    for _ in range(2):
        theirs.append(run(["fail2ban-regex", "--config", STOCK, small, name], subprocess.PIPE))
        ours.append(run(scan(STOCK, "--dry-run", "--format", "json", small, name), subprocess.PIPE))
    agree(small, {"fail2ban-regex": of_fail2ban(theirs[0][2]), "f2b": of_f2b(ours[0][2])})

    big, truth = make_log(options.dir, profile, options.stock, ratio)
    matched = of_f2b(output(*scan(STOCK, "--dry-run", "--format", "json", big, name)))[2]
    if truth_name:
        agree(big, {"truth file": truth[truth_name], "f2b": matched})
    dry = median([run(scan(STOCK, "--dry-run", big, name)) for _ in range(min(options.runs, RUNS))])
    kept = median([scan_stored(options.dir, STOCK, big, name) for _ in range(min(options.runs, RUNS))])
    base = speed(small, fastest(theirs))
    return [f"`{name}`", f"{float(ratio):.0%}", f"{matched}", f"{base / 1e6:.1f}", f"{speed(big, dry) / 1e6:.0f}",
            f"{speed(big, kept) / 1e6:.0f}", f"**{speed(big, dry) / base:.0f}**", f"{speed(big, kept) / base:.0f}"]


def filters(options):
    print(f"### Stock filters: {options.stock}B, of which `fail2ban-regex` reads {options.stock_small}B\n")
    rows = [measure(options, *row, ratio) for row in FILTERS for ratio in ("0.02", "0.40")]
    table(["filter", "attacks", "matches", "`fail2ban-regex`, MB/s", "f2b dry, MB/s", "stored, MB/s", "times",
           "times, stored"], rows)
    print("All counts of `fail2ban-regex` (ignored, matched, missed lines, hits of expressions) are f2b's too.\n")


def failures(store):
    """How many failures each jail of a store has."""
    with sqlite3.connect(store) as db:
        return dict(db.execute("SELECT jail, count(*) FROM failures GROUP BY jail"))


def stored(options, config, log, jails):
    """Scans for some jails in one pass; the failures of each."""
    with tempfile.TemporaryDirectory(dir=options.dir) as folder:
        store = f"{folder}/f2b.sqlite3"
        run(scan(config, "--db", store, *named(jails), log))
        return failures(store)


def named(jails):
    return [word for jail in jails for word in ("--jail", jail)]


def together(options, title, config, log, jails):
    """Rows of the table: each jail alone, and all in one pass over the log."""
    apart = {}
    for jail in jails:
        apart.update(stored(options, config, log, [jail]))
    agree(log, {"one by one": apart, "together": stored(options, config, log, jails)})
    alone, all_of_them = {jail: [] for jail in jails}, []
    for _ in range(options.runs):
        for jail in jails:
            alone[jail].append(run(scan(config, "--dry-run", "--jail", jail, log)))
        all_of_them.append(run(scan(config, "--dry-run", *named(jails), log)))
    each = {jail: median(samples) for jail, samples in alone.items()}
    slowest = max(each, key=each.get)
    one_pass = median(all_of_them)
    return [title, f"`{slowest}`, {each[slowest]:.2f}", f"{sum(each.values()):.2f}", f"{one_pass:.2f}",
            f"**{one_pass / each[slowest]:.2f}**"]


def jails(options):
    print("### Five jails on one log in one pass\n")
    with tempfile.TemporaryDirectory(dir=options.dir) as scratch:
        config = Path(scratch) / "fail2ban"
        shutil.copytree(STOCK, config)
        sections = (f"[{name}]\nenabled = true\nbackend = polling\nfilter = {filter}\nlogpath = /dev/null\n"
                    for name, filter in AUTH_JAILS.items())
        (config / "jail.local").write_text("".join(sections))
        auth, _ = make_log(options.dir, "auth", options.stock, "0.02")
        mail, _ = make_log(options.dir, "maillog", options.size, "0.02")
        rows = [together(options, f"stock jails, auth.log, {options.stock}B", config, auth, list(AUTH_JAILS)),
                together(options, f"plain jails, maillog, {options.size}B", SAMPLE, mail, SAMPLE_JAILS)]
    table(["jails", "slowest alone, s", "one by one, s", "one pass, s", "of the slowest"], rows)
    print("One by one and in one pass store the same failures for each jail.\n")
