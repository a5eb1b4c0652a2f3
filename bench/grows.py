"""What grows with the store and the filter: many hosts, many matches, many expressions, the same log again."""

import random
import subprocess
import tempfile
from pathlib import Path

from measuring import F2B, SAMPLE, make_log, median, peak, run, table

HOSTS = 5_000_000
EXPRESSIONS = 50_000
# Besides the log of many hosts, so often the dense log, each time as another one: some 10 million matches.
COPIES = 4
FILTER = SAMPLE / "filter.d/password-fail.conf"


def wide_log(folder):
    """A log of one failure a host, made once."""
    log = folder / f"hosts-{HOSTS}.log"
    if not log.exists():
        random.seed(1)
        with open(log, "w") as out:
            for n in range(HOSTS):
                second, ip = n // 20, random.getrandbits(32)
                out.write(
                    f"Nov {1 + second // 86400:02} {second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02} mail "
                    f"vpopmail[{1000 + n % 9000}]: vchkpw-smtp: password fail (pass: 'x{n % 1000}') "
                    f"user{n % 777}@example.com:{ip >> 24}.{ip >> 16 & 255}.{ip >> 8 & 255}.{ip & 255}\n")
    subprocess.run(["cat", log], stdout=subprocess.DEVNULL, check=True)
    return log


def many_expressions(folder):
    """A filter of many expressions that differ in a word, and a log that the last of them matches."""
    name = folder / "many.conf"
    lines = [f"^\\S+ app\\[\\d+\\]: module word{n:05}: denied for <HOST>$" for n in range(EXPRESSIONS)]
    name.write_text("[Definition]\nfailregex = " + "\n            ".join(lines) + "\n")
    log = folder / "many.log"
    log.write_text("".join(
        f"Nov 20 10:00:{n:02} host app[7]: module word{EXPRESSIONS - 1 - n:05}: denied for 192.0.2.{n}\n"
        for n in range(3)))
    return name, log


def measured(program, folder, options):
    """Seconds and MB of everything, in the order of ROWS."""
    wide = wide_log(folder)
    dense, _ = make_log(folder, "maillog", options.size, "0.40")
    many, short = many_expressions(folder)
    scan = [program, "scan", "--config", SAMPLE, "--quiet"]
    with tempfile.TemporaryDirectory(dir=folder) as store:
        db = Path(store) / "f2b.sqlite3"
        once = lambda *command: [run(command)]
        often = lambda *command: [run(command) for _ in range(options.runs)]
        samples = [
            often(*scan, "--dry-run", wide, FILTER),
            once(*scan, "--db", db, "--jail", "password-fail", wide),
            often(*scan, "--dry-run", dense, FILTER),
        ]
        for copy in range(COPIES):
            # Another first line makes another log.
            other = f"(echo copy {copy}; cat {dense}) | {program} scan --config {SAMPLE} --quiet --db {db} --jail password-fail -"
            run(["sh", "-c", other])
        run([*scan, "--db", db, dense, FILTER])
        busiest = busiest_host(program, db)
        samples += [
            often(*scan, "--db", db, dense, FILTER),
            often(program, "--db", db, "status"),
            often(program, "--db", db, "status", "password-fail"),
            often(program, "--db", db, "history", busiest),
            once(*scan, "--dry-run", short, many),
        ]
        return [(median(sample), peak(sample)) for sample in samples]


def busiest_host(program, db):
    """A host of the dense log that fails all the time."""
    count = "SELECT host.text FROM match JOIN host ON host.id = host_id GROUP BY host_id ORDER BY count(*) DESC LIMIT 1"
    return subprocess.run(["sqlite3", "-readonly", db, count], capture_output=True, text=True, check=True).stdout.strip()


def grows(options):
    before, now = options.before, measured(F2B, options.dir, options)
    then = measured(before, options.dir, options) if before else None
    rows = [
        f"{HOSTS // 10**6} million hosts, dry", f"{HOSTS // 10**6} million hosts, stored", f"{options.size} dense, dry",
        f"{options.size} dense, all of it known", "`status`, some 10 million matches", "`status JAIL`",
        "`history` of the busiest host", f"{EXPRESSIONS} expressions, three lines",
    ]
    print("**What grows**\n")
    cells = lambda figures: [f"{figures[0]:.2f}", f"{figures[1]:.0f}"]
    titles = ["what", "seconds", "peak memory, MB"]
    if then:
        table(titles + ["seconds before", "peak memory before, MB"],
              [[row, *cells(a), *cells(b)] for row, a, b in zip(rows, now, then)])
    else:
        table(titles, [[row, *cells(a)] for row, a in zip(rows, now)])
    print(f"- **{HOSTS / now[1][0]:.0f} hosts a second** stored, one failure each")
    print(f"- a log of which all is known takes **{now[3][0] / now[2][0]:.1f} times** a dry run\n")
