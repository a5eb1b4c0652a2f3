"""The daemon: lines followed, how long a ban takes, what it costs to be there, start, stop; beside Debian's fail2ban.

Everything happens in a network namespace of its own, for which it has to be root. All count the same first: what f2b's
store lacks, or a jail's set, ends it. Neighbours make figures worse, never better: a figure is the best of its runs,
beside the load of the machine (the processes that could run, of the last minute).
"""

import os
import random
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path

from firewall import ADDRESS, host, namespace, others, printed, timed, until
from measuring import F2B, SAMPLE, STOCK, agree, make_log, table

# Filters of the sample that find something in the same log, in turns.
FILTERS = ("password-fail", "username-notfound", "vpopmail")
MANY_JAILS = 20
# Of the log that is followed, by jails and attacks: what f2b reads, and how much of it fail2ban does in as long as one
# waits. What 20 jails find of 40 % is 4 million failures of 200 MB, and all about storing them.
FOLLOWED = {(1, "0.02"): ("200M", "10M"), (1, "0.40"): ("200M", "10M"), (20, "0.02"): ("200M", "1M"),
            (20, "0.40"): ("10M", "1M")}
HOSTS, HOSTS_FAIL2BAN = 200, 40
IDLE_S = 10
BANS = (0, 10_000, 100_000)
BANS_FAIL2BAN = (0, 1_000)
# So long something may take that fail2ban does.
PATIENCE_S = 600
SENTINEL = "192.0.2.77"
# Lines that each filter finds.
FAILURES = ("vchkpw-smtp: password fail (pass: 'x') info@example.org:{}",
            "vchkpw-smtp: vpopmail user not found x@example.org:{}", "vchkpw-pop3: vpopmail user not found x@:{}")
JAIL = """[{name}]
enabled = true
filter = {filter}
port = smtp
backend = {backend}
logpath = {log}
maxretry = {maxretry}
findtime = 1h
bantime = 1d
banaction = nftables-multiport
action = %(action_)s
"""


class Place:
    """A folder with a configuration of some jails on one log, and where a server keeps what is its own."""

    def __init__(self, folder, jails, maxretry=3):
        self.folder, self.jails = folder, [f"jail{n}" for n in range(jails)]
        self.config, self.log, self.db = folder / "config", folder / "followed.log", folder / "f2b.sqlite3"
        self.log.write_text(stamped(time.time(), "mail spamd[1]: spamd: begin"))
        shutil.copytree(STOCK, self.config, ignore=shutil.ignore_patterns("jail.d"))
        for name in FILTERS:
            shutil.copy(SAMPLE / f"filter.d/{name}.conf", self.config / "filter.d")
        jail = lambda n, name: JAIL.format(name=name, filter=FILTERS[n % len(FILTERS)], log=self.log, maxretry=maxretry,
                                           backend="auto")
        (self.config / "jail.local").write_text("".join(jail(n, name) for n, name in enumerate(self.jails)))
        (self.config / "fail2ban.local").write_text(
            f"[Definition]\nloglevel = WARNING\nlogtarget = {folder}/log\nsocket = {folder}/fail2ban.sock\n"
            f"pidfile = {folder}/pid\ndbfile = {folder}/fail2ban.sqlite3\ndbpurgeage = 1d\n")

    def f2b(self, *words):
        return [F2B, "--config", self.config, "--db", self.db, "--socket", self.folder / "f2b.sock", *words]

    def ask(self, sql):
        with closing(sqlite3.connect(f"file:{self.db}?mode=ro", uri=True)) as db:
            return db.execute(sql).fetchone()[0]

    def append(self, data):
        """Writes to the log as a busy server does; when the first byte was written."""
        begin = time.perf_counter()
        with open(self.log, "ab", buffering=0) as log:
            for at in range(0, len(data), 8 << 20):
                log.write(data[at:at + (8 << 20)])
        return begin


def stamped(at, text):
    return f"{time.strftime('%b %d %H:%M:%S', time.gmtime(at))} {text}\n"


@contextmanager
def place(options, jails, **more):
    """A place in a network namespace; log times are in UTC."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    with tempfile.TemporaryDirectory(dir=options.dir) as folder, namespace():
        subprocess.run(["ip", "link", "set", "lo", "up"])
        yield Place(Path(folder), jails, **more)


class Elements:
    """What gets into the kernel's sets, and when: `nft monitor` read by a thread. Its own delay is in every figure."""

    def __init__(self):
        self.seen, self.changed = {}, threading.Condition()
        self.process = subprocess.Popen(["nft", "monitor", "new", "elements"], stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, daemon=True).start()
        # It says nothing when it begins to listen.
        time.sleep(0.3)

    def read(self):
        for line in self.process.stdout:
            now = time.perf_counter()
            _, _, rest = line.partition(" addr-set-")
            jail, _, elements = rest.partition(" {")
            with self.changed:
                for element in elements.split(","):
                    words = element.split()
                    if words:
                        self.seen.setdefault((jail, words[0]), now)
                self.changed.notify_all()

    def when(self, jails, host):
        """When the last of these jails keeps a host out."""
        wanted = [(jail, host) for jail in jails]
        is_there = lambda: all(key in self.seen for key in wanted)
        begin = time.perf_counter()
        with self.changed:
            while not self.changed.wait_for(is_there, 1):
                # Of tens of thousands at a time it isn't told of all.
                missing = [jail for jail in jails if (jail, host) not in self.seen]
                self.seen.update({(jail, host): time.perf_counter() for jail in missing if is_held(jail, host)})
                if time.perf_counter() - begin > PATIENCE_S:
                    sys.exit(f"bench/run: {host} is not kept out after {PATIENCE_S} s by {', '.join(missing)}")
            return max(self.seen[key] for key in wanted)

    def end(self):
        self.process.kill()
        self.process.wait()


def is_held(jail, host):
    element = ["nft", "get", "element", "inet", "f2b-table", f"addr-set-{jail}", f"{{ {host} }}"]
    return subprocess.run(element, capture_output=True).returncode == 0


@contextmanager
def elements():
    watching = Elements()
    try:
        yield watching
    finally:
        watching.end()


class Daemon:
    """f2b's."""

    name = "f2b"

    def __init__(self, place):
        self.place, notified = place, place.folder / "notify"
        with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as notify:
            notify.bind(str(notified))
            notify.settimeout(PATIENCE_S)
            begin = time.perf_counter()
            environment = {**os.environ, "NOTIFY_SOCKET": str(notified)}
            self.process = subprocess.Popen(place.f2b("daemon"), env=environment, stdout=subprocess.DEVNULL)
            self.pid = self.process.pid
            while b"READY=1" not in notify.recv(4096):
                pass
            self.ready_s = time.perf_counter() - begin
            # Others may be told as well.
            notified.unlink()

    def enforced(self):
        """Seconds after which nothing is left to be carried out."""
        begin = time.perf_counter()
        while self.place.ask("SELECT count(*) FROM pending"):
            time.sleep(0.002)
        return time.perf_counter() - begin

    def stop(self):
        """Seconds until the process is gone."""
        begin = time.perf_counter()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        return time.perf_counter() - begin


class Fail2ban:
    """Debian's."""

    name = "fail2ban"

    def __init__(self, place):
        self.place, self.client = place, ["fail2ban-client", "-c", place.config]
        self.ready_s, _ = timed([*self.client, "start"])
        self.pid = int((place.folder / "pid").read_text())

    def stop(self):
        begin = time.perf_counter()
        timed([*self.client, "stop"])
        while Path(f"/proc/{self.pid}").exists():
            time.sleep(0.005)
        return time.perf_counter() - begin


@contextmanager
def running(server, place):
    process = server(place)
    try:
        yield process
    finally:
        process.stop()


def load():
    return f"{os.getloadavg()[0]:.0f}"


def recent(log):
    """The text of a log whose lines are of the last minute, and how many lines it has."""
    lines = log.read_bytes().split(b"\n")[:-1]
    stamps = [stamped(time.time() - 50 + n, "").encode()[:15] for n in range(50)]
    each = len(lines) // 50 + 1
    # What is no line of a log, on purpose, stays as it is.
    redated = [stamps[n // each] + line[15:] if line[:3] == b"Nov" else line for n, line in enumerate(lines)]
    return b"\n".join(redated) + b"\n", len(lines)


def ending(count):
    """Lines after which each jail bans the sentinel."""
    now = time.time()
    lines = [stamped(now, f"mail vpopmail[9]: {text.format(SENTINEL)}") for text in FAILURES for _ in range(count)]
    return "".join(lines).encode()


def complete(place, truth):
    """That the store has every failure of the log, the sentinel's too, and that all of it was read."""
    for n, jail in enumerate(place.jails):
        sql = f"SELECT count(*) FROM failures WHERE jail = '{jail}'"
        agree(jail, {"truth file": truth[FILTERS[n % len(FILTERS)]] + 3, "store": place.ask(sql)})
    size = place.log.stat().st_size
    agree("positions", {"log": size, "store": place.ask("SELECT min(offset) FROM position")})


def followed(options, server, jails, size, ratio):
    """A log of such a size written at once: lines a second until the last jail keeps out who comes last in it, and how
    many of a second of processor time."""
    log, truth = make_log(options.dir, "maillog", size, ratio)
    with place(options, jails) as there, running(server, there) as process, elements() as seen:
        data, lines = recent(log)
        data += ending(3)
        before = processor_s(process.pid)
        begin = there.append(data)
        seconds = seen.when(there.jails, SENTINEL) - begin
        busy = processor_s(process.pid) - before
        if server is Daemon:
            process.stop()
            complete(there, truth)
    return lines / seconds, lines / busy


def processor_s(pid):
    """Seconds of processors, in hundredths; not those of commands that are run."""
    return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rsplit(")")[1].split()[11:13])) / 100


def following(options):
    rows = []
    for (jails, ratio), (size, small) in FOLLOWED.items():
        own = [followed(options, Daemon, jails, size, ratio) for _ in range(options.runs)]
        own, busy = map(max, zip(*own)), load()
        theirs, _ = followed(options, Fail2ban, jails, small, ratio)
        wall, processor = own
        rows.append([str(jails), f"{float(ratio):.0%}", size, f"{wall:.0f}", f"{processor:.0f}", busy, small,
                     f"{theirs:.0f}", load(), f"**{wall / theirs:.0f}**"])
    print(f"**Lines followed a second, of a log written at once, until the last line's host is kept out; best of "
          f"{options.runs} runs**\n")
    table(["jails", "attacks", "log", "f2b", "a second of processor", "load", "log", "fail2ban", "load", "times"], rows)


def latencies(options, server, count):
    """Milliseconds from the write of a line until its host is in the kernel's set, one at a time."""
    random.seed(1)
    samples = []
    with place(options, 1, maxretry=1) as there, running(server, there), elements() as seen:
        for n, host in enumerate(others(count + 1)):
            line = stamped(time.time(), f"mail vpopmail[9]: {FAILURES[0].format(host)}").encode()
            begin = there.append(line)
            sample = seen.when(there.jails, host) - begin
            # For the first the set is made.
            if n:
                samples.append(sample * 1000)
            time.sleep(random.uniform(0.02, 0.12))
    samples.sort()
    return statistics.median(samples), samples[int(len(samples) * 0.99)], samples[0]


def latency(options):
    rows = []
    for server, count in ((Daemon, HOSTS), (Fail2ban, HOSTS_FAIL2BAN)):
        runs = [latencies(options, server, count) for _ in range(options.runs if server is Daemon else 1)]
        rows.append([server.name, str(count), *(f"{best:.1f}" for best in map(min, zip(*runs))), load()])
    print("**One ban: milliseconds from the write of the line to the host in the kernel's set**\n")
    table(["", "hosts", "p50", "p99", "least", "load"], rows)


def memory_mb(pid):
    """Memory: with its share of what others use too (PSS), and what of that is no part of a file, as the program is."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    kib = lambda name: next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))
    return kib("Pss") / 1024, kib("Pss_Anon") / 1024


def threads(pid):
    return list(Path(f"/proc/{pid}/task").iterdir())


def switches(pid):
    """How often its threads have begun to run."""
    lines = [line for task in threads(pid) for line in (task / "status").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if "voluntary_ctxt_switches" in line)


def kept_out(jail):
    return len(ADDRESS.findall(printed("nft", "list", "set", "inet", "f2b-table", f"addr-set-{jail}")))


def idle(process):
    """Memory, threads and switches in a while in which nothing happens. That names come and go in the folders above the
    log counts as happening: with --dir below a busy /tmp, others wake f2b."""
    time.sleep(3)
    before = switches(process.pid)
    time.sleep(IDLE_S)
    woken = switches(process.pid) - before
    return [*(f"{mb:.1f}" for mb in memory_mb(process.pid)), str(len(threads(process.pid))), str(woken)]


def imported(there, count):
    """Bans in the store, of which the kernel knows nothing."""
    bans = there.folder / "bans.deny"
    bans.write_text("".join(host(n) + "\n" for n in range(count)))
    timed(there.f2b("import", "--no-enforce", "ip.deny", bans, "--jail", there.jails[0], "--time", "1d"))


def ours(options, count):
    """Rows of a start that restores, one that finds all as it ought to be, the end, and idling in between."""
    milliseconds = lambda *seconds: [f"{second * 1000:.0f}" for second in seconds]
    with place(options, MANY_JAILS) as there:
        if count:
            imported(there, count)
        first = Daemon(there)
        carried_out = first.ready_s + first.enforced()
        rested = idle(first)
        stopped = first.stop()
        again = Daemon(there)
        stopped = min(stopped, again.stop())
    times = milliseconds(first.ready_s, carried_out, again.ready_s, stopped)
    return [["f2b", str(count), *times, load()], ["f2b", str(count), *rested]]


def theirs(options, count):
    """The same of fail2ban, which bans all anew when it starts."""
    with place(options, MANY_JAILS) as there:
        first = Fail2ban(there)
        if count:
            timed([*first.client, "set", there.jails[0], "banip", *(host(n) for n in range(count))])
            until(lambda: kept_out(there.jails[0]) == count, "bans")
        rested = idle(first)
        stopped = first.stop()
    return [["fail2ban", str(count), f"{first.ready_s * 1000:.0f}", "", "", f"{stopped * 1000:.0f}", load()],
            ["fail2ban", str(count), *rested]]


def being(options):
    pairs = [ours(options, count) for count in BANS] + [theirs(options, count) for count in BANS_FAIL2BAN]
    print(f"**{MANY_JAILS} jails: milliseconds until it is ready, and to its end**\n")
    table(["", "bans", "ready", "all carried out", "ready again", "stop", "load"], [row for row, _ in pairs])
    print(f"**{MANY_JAILS} jails, nothing happens for {IDLE_S} s**\n")
    table(["", "bans", "memory (PSS), MB", "its own", "threads", "switches"], [row for _, row in pairs])


def daemon(options):
    latency(options)
    being(options)
    following(options)
