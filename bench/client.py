"""What fail2ban's tools ask over its socket, and how long an answer takes; beside Debian's fail2ban.

Requests are pickles on one connection, as Python's csocket and exporters send them: no time of starting a client is in
the figures.
"""

import pickle
import socket
import statistics
import time
from contextlib import closing

from daemon import MANY_JAILS, Daemon, Fail2ban, imported, kept_out, load, place, running
from firewall import host, timed, until
from measuring import agree, table

END = b"<F2B_END_COMMAND>"
BANS = {Daemon: (1_000, 100_000), Fail2ban: (1_000,)}
# Asked so often; the median counts.
TIMES = 11
BANIPS = {Daemon: 1_000, Fail2ban: 200}
ASKED = (["ping"], ["status"], ["status", "jail0"], ["status", "jail1"], ["banned"])


class Connection:
    def __init__(self, there):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(600)
        self.socket.connect(str(there.folder / "fail2ban.sock"))

    def close(self):
        self.socket.close()

    def ask(self, *words):
        """The reply's value, and the milliseconds until all of it was there."""
        begin = time.perf_counter()
        self.socket.sendall(pickle.dumps(list(words)) + END)
        reply = bytearray()
        while not reply.endswith(END):
            reply += self.socket.recv(1 << 20)
        took = (time.perf_counter() - begin) * 1000
        code, value = pickle.loads(reply[:-len(END)])
        agree(" ".join(words[:2]), {"expected": 0, "code": code})
        return value, took


def served(options, server, bans):
    """Milliseconds of each request with so many bans in one of 20 jails, and of a `banip` of one host."""
    with place(options, MANY_JAILS) as there:
        if server is Daemon:
            imported(there, bans)
        with running(server, there) as process, closing(Connection(there)) as connection:
            if server is Daemon:
                process.enforced()
            else:
                timed([*process.client, "set", "jail0", "banip", *(host(n) for n in range(bans))])
            until(lambda: kept_out("jail0") == bans, "bans")
            agree("banned", {"bans": bans, "told": len(connection.ask("banned")[0][0]["jail0"])})
            took = [statistics.median(connection.ask(*words)[1] for _ in range(TIMES)) for words in ASKED]
            count = BANIPS[server]
            begin = time.perf_counter()
            for n in range(count):
                connection.ask("set", "jail1", "banip", host(n))
            until(lambda: kept_out("jail1") == count, "bans by hand")
            took.append((time.perf_counter() - begin) * 1000 / count)
    return took


def client(options):
    rows = []
    for server, sizes in BANS.items():
        for bans in sizes:
            took = served(options, server, bans)
            rows.append([server.name, str(bans), *(f"{ms:.2f}" for ms in took), load()])
    print(f"**fail2ban's socket, {MANY_JAILS} jails, the bans in one of them (jail0): milliseconds of a request on an open "
          f"connection, median of {TIMES}; `banip` one by one, until the last is in the kernel**\n")
    table(["", "bans", *(f"`{' '.join(words)}`" for words in ASKED), "`banip`", "load"], rows)
