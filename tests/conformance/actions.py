"""Runs the actions of a configuration folder as Debian's fail2ban does, and prints as JSON what they did.

Usage: actions.py FOLDER LOG

Each jail of the folder has one action, which goes through the STEPS; the bans are TICKETS. After each step LOG, to
which the programs of the PATH write how they were called, is read and emptied.

{JAIL: [[STEP, [SCRIPT, ...], [LINE, ...], FAILED], ...]}
"""
import json
import logging
import os
import sys

sys.path.insert(0, os.environ.get("F2B_FAIL2BAN_ROOT", "") + "/usr/lib/python3/dist-packages")
sys.dont_write_bytecode = True

from fail2ban.client.jailreader import JailReader  # noqa: E402
from fail2ban.client.jailsreader import JailsReader  # noqa: E402
from fail2ban.server.action import CommandAction  # noqa: E402
from fail2ban.server.server import Server  # noqa: E402
from fail2ban.server.ticket import BanTicket  # noqa: E402

AT = 1795661700.0
TICKETS = {"4": ("192.0.2.1", ["plain"], "root"), "6": ("2001:db8::1", ["it's $(one)", "<ip> `two`"], "a b\"; c")}
scripts = []


def record(run):
    """Notes each command before it is run."""

    def recording(command, *args, **kwargs):
        scripts.append(command if isinstance(command, str) else None)
        return run(command, *args, **kwargs)

    return recording


def ticket(family):
    address, matches, user = TICKETS[family]
    made = BanTicket(address, AT, matches)
    made.setAttempt(2)
    made.setBanTime(600)
    made.setBanCount(1)
    made.setData(user=user)
    return made


def load(server, name, folder):
    """The action of a jail."""
    reader = JailReader(name, force_enable=True, basedir=folder)
    reader.read()
    reader.getOptions()
    server.addJail(name, "polling")
    for command in reader.convert(allow_no_files=True):
        if command[2:3] == ["addaction"] or command[2:3] == ["action"]:
            status, said = server._Server__transm.proceed(command)
            assert status == 0, said
    jail = server._Server__jails[name]
    return jail, next(iter(jail.actions.values()))


def steps(jail, action):
    def about(what, family):
        return lambda: what(jail.actions._getActionInfo(ticket(family)))

    yield "start", action.start
    yield "ban 4", about(action.ban, "4")
    yield "ban 6", about(action.ban, "6")
    yield "reload", action.reload
    yield "unban 4", about(action.unban, "4")
    if getattr(action, "actionprolong", ""):
        yield "prolong 6", about(action.prolong, "6")
    if getattr(action, "actionflush", ""):
        yield "flush", action.flush
    else:
        yield "unban 6", about(action.unban, "6")
    yield "ban 4 again", about(action.ban, "4")
    if getattr(action, "actionflush", ""):
        yield "flush again", action.flush
    else:
        yield "unban 4 again", about(action.unban, "4")
    yield "stop", action.stop


def main(folder, log):
    logging.disable(logging.CRITICAL)
    CommandAction.executeCmd = staticmethod(record(CommandAction.executeCmd))
    server = Server(daemon=False)
    jails = JailsReader(basedir=folder)
    jails.read()
    done = {}
    for name in jails.sections():
        if name == "INCLUDES":
            continue
        os.environ["F2B_JAIL"] = name
        done[name] = []
        jail, action = load(server, name, folder)
        for step, do in steps(jail, action):
            scripts.clear()
            open(log, "w").close()
            failed = False
            try:
                # Some say it by their value, some raise an error.
                failed = do() is False
            except Exception:
                failed = True
            with open(log) as lines:
                called = lines.read().splitlines()
            done[name].append([step, list(scripts), called, failed])
    json.dump(done, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
