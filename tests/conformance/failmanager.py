"""Answers what Debian's fail2ban counts: failures on standard input, tickets on standard output.

In:   rule MAXRETRY FINDTIME     starts afresh
      fail HOST SECONDS COUNT    prints "ban LAST FAILURES" or "no"
      sweep SECONDS              forgets hosts, prints nothing
"""
import sys

sys.path.insert(0, "/usr/lib/python3/dist-packages")
sys.dont_write_bytecode = True

from fail2ban.server.failmanager import FailManager, FailManagerEmpty  # noqa: E402
from fail2ban.server.ticket import FailTicket  # noqa: E402

manager = None
for line in sys.stdin:
    word, *args = line.split()
    if word == "rule":
        manager = FailManager()
        manager.setMaxRetry(int(args[0]))
        manager.setMaxTime(int(args[1]))
    elif word == "sweep":
        manager.cleanup(float(args[0]))
    elif word == "fail":
        host, at, count = args[0], float(args[1]), int(args[2])
        manager.addFailure(FailTicket(host, at), count)
        try:
            ticket = manager.toBan(host)
            print("ban", int(ticket.getTime()), ticket.getRetry())
        except FailManagerEmpty:
            print("no")
