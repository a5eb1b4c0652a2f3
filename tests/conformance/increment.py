"""Answers what Debian's fail2ban computes for bans that get longer: a JSON object a line in, a line out.

In:   {"formula": TEXT, "factor": TEXT, "time": SECONDS, "counts": [COUNT...]}
          what Python makes of the formula for each count, before fail2ban compares it with the time
      {"options": {NAME: TEXT}, "base": SECONDS, "random": NUMBER, "counts": [COUNT...]}
          the length of the ban for each number of earlier bans
      {"maxretry": NUMBER, "counts": [COUNT...]}
          the weight of a failure for each number of earlier bans
Out:  numbers separated by blanks; "error:NAME" where Python raised one
"""
import json
import logging
import math
import os
import random
import re
import sys

sys.path.insert(0, os.environ.get("F2B_FAIL2BAN_ROOT", "") + "/usr/lib/python3/dist-packages")
sys.dont_write_bytecode = True

from fail2ban.server.database import Fail2BanDb  # noqa: E402
from fail2ban.server.jail import Jail  # noqa: E402
from fail2ban.server.mytime import MyTime  # noqa: E402
from fail2ban.server.observer import ObserverThread  # noqa: E402
from fail2ban.server.ticket import BanTicket, FailTicket  # noqa: E402

NOW = 1700000000

observer = ObserverThread()
messages = []


class Listener(logging.Handler):
    def emit(self, record):
        messages.append(record.getMessage())


def jail_of(options, database):
    jail = Jail("j", backend="polling", db=database)
    # The observer asks nothing of a jail that doesn't run.
    jail.isAlive = lambda *_: True
    for name, text in {"increment": "true", **options}.items():
        jail.setBanTimeExtra(name, text)
    return jail


def known_host(database, jail, count):
    """A host of which the database knows so many bans: one of its own for each count."""
    host = "192.0.2.%d" % (count + 1)
    if count:
        ticket = BanTicket(host, NOW - 5000)
        ticket.setBanCount(count)
        ticket.setBanTime(600)
        database.addBan(jail, ticket)
    return host


def formula(query):
    names = {"math": math, "banFactor": eval(query["factor"])}

    def value(count):
        ban = ObserverThread.BanTimeIncr(query["time"], count)
        found = eval(query["formula"], {**names, "ban": ban})
        if isinstance(found, complex):
            raise TypeError
        return float(found)

    return value


def length(query):
    random.random = lambda: query["random"]
    database = Fail2BanDb(":memory:")
    jail = jail_of(query["options"], database)
    database.addJail(jail)

    def value(count):
        ticket = BanTicket(known_host(database, jail, count), NOW)
        ticket.incrBanCount()
        observer.incrBanTime(jail, query["base"], ticket)
        return float(ticket.getBanTime(query["base"]))

    return value


def weight(query):
    database = Fail2BanDb(":memory:")
    jail = jail_of({}, database)
    jail.filter.setMaxRetry(query["maxretry"])
    database.addJail(jail)

    def value(count):
        host = known_host(database, jail, count)
        messages.clear()
        observer.failureFound(jail, FailTicket(host, NOW))
        found = [re.search(r" # -> ([0-9.]+)", message) for message in messages]
        return float(next((match[1] for match in found if match), 1))

    return value


def answer(value, count):
    try:
        return repr(value(count))
    except Exception as error:
        return "error:" + type(error).__name__


MyTime.setTime(NOW)
logger = logging.getLogger("fail2ban")
logger.addHandler(Listener())
logger.setLevel(logging.INFO)
logger.propagate = False
kinds = {"formula": formula, "options": length, "maxretry": weight}
for line in sys.stdin:
    query = json.loads(line)
    value = next(kinds[name] for name in kinds if name in query)(query)
    print(*(answer(value, count) for count in query["counts"]), flush=True)
