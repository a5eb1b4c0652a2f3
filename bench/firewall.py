"""The firewall: bans restored, one ban, many at once, beside the tools that change it and Debian's fail2ban.

Everything happens in network namespaces of its own, for which it has to be root. A figure is the fastest of runs that
alternate, beside the processor time of that command and its children, which neighbours change less. All count the same
first: whoever holds fewer hosts than were banned ends it.
"""

import ctypes
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from measuring import F2B, STOCK, agree, table

# Bans of a day, in force until the next.
BAN_S = 86400
SIZES = (1_000, 10_000, 100_000)
# Rules of iptables, one a host: what looks at them takes time that grows with their square.
SIZES_RULES = (1_000, 10_000)
FAIL2BAN_SIZE = 1_000
MANY = 200
SINGLE_RUNS = 15
CLONE_NEWNET = 0x40000000
ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")

ACTIONS = {"nftables": "nftables-multiport", "ipset": "iptables-ipset-proto6", "iptables": "iptables-multiport"}


@contextmanager
def namespace():
    """This process in a network namespace of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        if libc.unshare(CLONE_NEWNET):
            sys.exit(f"bench/run: a network namespace: {os.strerror(ctypes.get_errno())}; the section firewall needs root")
        yield
    finally:
        libc.setns(before, CLONE_NEWNET)
        os.close(before)


def host(number):
    """A host, each number another."""
    number += 1 << 16
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def others(count):
    """Hosts that are in no list."""
    return [f"198.18.{n >> 8}.{n & 255}" for n in range(count)]


def make_config(folder):
    """Debian's configuration with three jails more, one for each way into the firewall."""
    config = folder / "firewall-config"
    shutil.rmtree(config, ignore_errors=True)
    shutil.copytree(STOCK, config, ignore=shutil.ignore_patterns("jail.d"))
    (folder / "firewall.log").touch()
    jail = "[{0}]\nenabled = true\nfilter = sshd\nport = ssh\nbackend = polling\nlogpath = {1}\nbantime = 1d\nbanaction = {2}\n"
    jails = [jail.format(name, folder / "firewall.log", action) for name, action in ACTIONS.items()]
    (config / "jail.local").write_text("".join(jails))
    return config


def timed(command, stdin=None):
    """Seconds of a whole process, which is to succeed, and of processors for it and its children."""
    with tempfile.TemporaryFile() as complaint:
        begin = time.perf_counter()
        process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.DEVNULL, stderr=complaint)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            complaint.seek(0)
            said = complaint.read().decode(errors="replace")
            sys.exit(f"bench/run: {' '.join(map(str, command[:8]))}: {said}")
    return seconds, usage.ru_utime + usage.ru_stime


def best(samples):
    """The fastest, and the least time of processors."""
    return tuple(min(column) for column in zip(*samples))


def ms(figures, digits=1):
    """Both as cells of a table."""
    return [f"{figure * 1000:.{digits}f}" for figure in figures]


def printed(*command):
    return subprocess.run(command, capture_output=True, text=True).stdout


def held(jail):
    """How many hosts the kernel keeps out for a jail."""
    if jail == "nftables":
        return len(ADDRESS.findall(printed("nft", "list", "set", "inet", "f2b-table", "addr-set-nftables")))
    if jail == "ipset":
        return printed("ipset", "save", "f2b-ipset").count("\nadd ")
    return printed("iptables", "-S", "f2b-iptables").count(" -s ")


class Store:
    """A store of `count` bans of a jail, of which the kernel knows nothing."""

    def __init__(self, folder, config, jail, count):
        self.config, self.jail = config, jail
        own = folder / f"firewall-{jail}-{count}"
        shutil.rmtree(own, ignore_errors=True)
        own.mkdir()
        self.db = own / "f2b.sqlite3"
        bans = folder / "firewall.deny"
        # Where nobody is banned, there are no rules: one host is there always.
        bans.write_text("".join(host(n) + "\n" for n in range(max(count, 1))))
        timed(self.f2b("import", "--no-enforce", "ip.deny", bans, "--jail", jail, "--time", "1d"))

    def f2b(self, *words):
        return [F2B, "--config", self.config, "--db", self.db, *words]

    def restore(self):
        return timed(self.f2b("restore"))


NFT_SET = """add table inet f2b-table
add chain inet f2b-table f2b-chain {{ type filter hook input priority -1; }}
add set inet f2b-table addr-set-nftables {{ type ipv4_addr; flags timeout; counter; }}
add rule inet f2b-table f2b-chain tcp dport {{ ssh }} ip saddr @addr-set-nftables reject
add element inet f2b-table addr-set-nftables {{ {} }}
"""
IPSET_RULE = "-p tcp -m multiport --dports ssh -m set --match-set f2b-ipset src -j REJECT"
CHAIN_RULES = """*filter
:f2b-iptables - [0:0]
-A INPUT -p tcp -m multiport --dports ssh -j f2b-iptables
{}-A f2b-iptables -j RETURN
COMMIT
"""


def peer(folder, jail, count):
    """What puts the same hosts in at once without f2b; timed."""
    script = folder / "firewall.script"
    hosts = [host(n) for n in range(count)]
    if jail == "nftables":
        script.write_text(NFT_SET.format(", ".join(f"{host} timeout {BAN_S}s" for host in hosts)))
        return timed(["nft", "-f", script])
    if jail == "ipset":
        lines = [f"add f2b-ipset {host} timeout {BAN_S}\n" for host in hosts]
        script.write_text("create f2b-ipset hash:ip family inet timeout 0 maxelem 1048576\n" + "".join(lines))
        with open(script) as lines:
            filled = timed(["ipset", "restore"], lines)
        rule = timed(["iptables", "-w", "-I", "INPUT", *IPSET_RULE.split()])
        return tuple(map(sum, zip(filled, rule)))
    rules = [f"-A f2b-iptables -s {host} -j REJECT --reject-with icmp-port-unreachable\n" for host in hosts]
    script.write_text(CHAIN_RULES.format("".join(rules)))
    with open(script) as lines:
        return timed(["iptables-restore", "-w", "-n"], lines)


TOOLS = {"nftables": "nft -f", "ipset": "ipset restore", "iptables": "iptables-restore"}


def restored(options, config, jail, count):
    """A row: bans in the store, the kernel without any of them, as after a reboot."""
    store = Store(options.dir, config, jail, count)
    own, tool = [], []
    for _ in range(options.runs):
        with namespace():
            own.append(store.restore())
            ours = held(jail)
        with namespace():
            tool.append(peer(options.dir, jail, count))
            agree(store.db, {"f2b": ours, TOOLS[jail]: held(jail), "bans": count})
    own, tool = best(own), best(tool)
    times = [f"{mine / theirs:.2f}" for mine, theirs in zip(own, tool)]
    return [f"`{ACTIONS[jail]}`", str(count), *ms(own, 0), f"`{TOOLS[jail]}`", *ms(tool, 0), f"**{times[0]}**", times[1]]


ADD = {
    "nftables": lambda host: ["nft", "add", "element", "inet", "f2b-table", "addr-set-nftables", f"{{ {host} timeout 1d }}"],
    "ipset": lambda host: ["ipset", "add", "f2b-ipset", host, "timeout", str(BAN_S)],
    "iptables": lambda host: ["iptables", "-w", "-I", "f2b-iptables", "1", "-s", host, "-j", "REJECT"],
}


def single(options, config, jail, count):
    """A row: one host more, with so many kept out already."""
    store = Store(options.dir, config, jail, count)
    hosts = others(2 * SINGLE_RUNS)
    own, tool, floor = [], [], []
    with namespace():
        store.restore()
        before = held(jail)
        for one, other in zip(hosts[::2], hosts[1::2]):
            own.append(timed(store.f2b("ban", one, "--jail", jail)))
            tool.append(timed(ADD[jail](other)))
            floor.append(timed([F2B, "--version"]))
        agree(store.db, {"found": held(jail) - before, "banned": len(hosts)})
    program = ADD[jail]("")[0]
    return [f"`{ACTIONS[jail]}`", str(count), *ms(best(own)), *ms(best(floor)), f"`{program}`", *ms(best(tool))]


def many(options, config, jail, count):
    """A row: many hosts in one command, all of them kept out when it ends."""
    store = Store(options.dir, config, jail, count)
    samples = []
    with namespace():
        store.restore()
        for run in range(options.runs):
            before = held(jail)
            hosts = others(MANY * (run + 1))[MANY * run:]
            samples.append(timed(store.f2b("ban", *hosts, "--jail", jail)))
            agree(store.db, {"found": held(jail) - before, "banned": MANY})
    return [f"`{ACTIONS[jail]}`", str(count), *ms(best(samples))]


def until(condition, what):
    """Seconds until it is so."""
    begin = time.perf_counter()
    while not condition():
        if time.perf_counter() - begin > 120:
            sys.exit(f"bench/run: fail2ban: no {what} after two minutes")
        time.sleep(0.01)
    return time.perf_counter() - begin


def fail2ban(options, config):
    """Debian's fail2ban: seconds for many hosts at once, and for its own restoring after a start."""
    with tempfile.TemporaryDirectory(dir=options.dir) as folder, namespace():
        files = ["-c", config, "-s", f"{folder}/socket", "-p", f"{folder}/pid"]
        client = ["fail2ban-client", *files]
        start = [*client, "start"]
        (config / "fail2ban.local").write_text(f"[Definition]\ndbfile = {folder}/db\nlogtarget = {folder}/log\n")
        answers = lambda: subprocess.run([*client, "ping"], capture_output=True).returncode == 0
        timed(start)
        until(answers, "answer")
        begin = time.perf_counter()
        timed([*client, "set", "nftables", "banip", *others(MANY)])
        until(lambda: held("nftables") == MANY, "bans")
        at_once = time.perf_counter() - begin
        timed([*client, "set", "nftables", "banip", *(host(n) for n in range(FAIL2BAN_SIZE - MANY))])
        until(lambda: held("nftables") == FAIL2BAN_SIZE, "bans")
        timed([*client, "stop"])
        begin = time.perf_counter()
        timed(start)
        until(lambda: held("nftables") == FAIL2BAN_SIZE, "bans")
        restored = time.perf_counter() - begin
        timed([*client, "stop"])
    return at_once, restored


def firewall(options):
    config = make_config(options.dir)
    sizes = lambda jail: SIZES_RULES if jail == "iptables" else SIZES
    print(f"**All bans restored, as after a reboot: milliseconds of `f2b restore`, fastest of {options.runs} runs**\n")
    table(["action", "bans", "f2b", "processor", "beside", "ms", "processor", "times", "processor"],
          [restored(options, config, jail, count) for jail in ACTIONS for count in sizes(jail)])
    print(f"**One ban more: milliseconds of the whole process, `f2b ban`, fastest of {SINGLE_RUNS} runs**\n")
    table(["action", "kept out before", "f2b", "processor", "`f2b --version`", "processor", "beside", "ms", "processor"],
          [single(options, config, jail, count) for jail in ACTIONS for count in (0, *sizes(jail)[1:])])
    print(f"**{MANY} hosts at once: milliseconds until the last is kept out, one `f2b ban`**\n")
    table(["action", "kept out before", "f2b", "processor"],
          [many(options, config, jail, count) for jail in ACTIONS for count in (0, *sizes(jail)[1:])])
    at_once, restored_s = fail2ban(options, config)
    print(f"- Debian's fail2ban, `{ACTIONS['nftables']}`: {MANY} hosts in one `banip` are kept out after "
          f"**{at_once:.2f} s**, {FAIL2BAN_SIZE} bans of its database **{restored_s:.2f} s** after it is started\n")
