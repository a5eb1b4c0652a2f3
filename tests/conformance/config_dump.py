"""Prints what Debian's fail2ban makes of a configuration folder, as JSON.

Usage: config_dump.py FOLDER

{"filters": {"NAME MODE": {option: [values]}}, "jails": {"NAME": {"options": ..., "filter": ..., "actions": ...}}}
"""
import configparser
import glob
import json
import os
import sys

sys.path.insert(0, os.environ.get("F2B_FAIL2BAN_ROOT", "") + "/usr/lib/python3/dist-packages")
sys.dont_write_bytecode = True

from fail2ban.client.filterreader import FilterReader  # noqa: E402
from fail2ban.client.jailreader import JailReader  # noqa: E402
from fail2ban.client.jailsreader import JailsReader  # noqa: E402

RENAMED = {
    "addfailregex": "failregex",
    "addignoreregex": "ignoreregex",
    "addjournalmatch": "journalmatch",
}
# Each command adds to these; of other options the last one counts.
LISTS = ("failregex", "ignoreregex", "journalmatch")
MODES = ["", "normal", "ddos", "extra", "aggressive"]


def commands(stream, subject):
    """The options of a filter in a stream of commands, each as a list of values."""
    found = {}
    for command in stream:
        if command[0] not in ("set", "multi-set") or command[1] != subject:
            continue
        name = RENAMED.get(command[2], command[2])
        values = command[3:]
        if command[0] == "multi-set":
            values = command[3]
        if name == "journalmatch":
            values = [" ".join(values)]
        if name in LISTS:
            values = found.get(name, []) + list(values)
        found[name] = [str(value) for value in values]
    return found


def filter_dump(folder, name, mode):
    params = {"logtype": "file"}
    if mode:
        params["mode"] = mode
    reader = FilterReader(name, "subject", params, basedir=folder)
    if not reader.read():
        return None
    try:
        reader.getOptions(None)
        return commands(reader.convert(), "subject")
    except (configparser.Error, ValueError):
        return {"error": True}


def action_dump(action, jail):
    properties = {}
    for command in action.convert():
        if command[0] == "set" and command[2] == "addaction":
            continue
        if command[0] == "multi-set" and command[2] == "action":
            properties.update({key: str(value) for key, value in command[4]})
        if command[0] == "set" and command[2] == "action":
            properties[command[4]] = str(command[5])
    return properties


def jail_dump(folder, name):
    reader = JailReader(name, force_enable=True, basedir=folder)
    if not reader.read():
        return None
    if not reader.getOptions():
        return None
    inner = "_JailReader__"
    options = {key: value for key, value in reader.options.items() if value is not None}
    read = getattr(reader, inner + "filter", None)
    stream = commands(reader.convert(allow_no_files=True), name)
    actions = {}
    for action in getattr(reader, inner + "actions"):
        if hasattr(action, "getName"):
            actions[action.getName()] = action_dump(action, name)
    return {
        "options": {key: str(value) for key, value in options.items()},
        "filter": commands(read.convert(), name) if read else {},
        "stream": {key: value for key, value in stream.items()},
        "actions": actions,
    }


def main(folder):
    names = sorted(
        os.path.splitext(os.path.basename(path))[0]
        for path in glob.glob(os.path.join(folder, "filter.d", "*.conf"))
    )
    filters = {}
    for name in names:
        for mode in MODES:
            dump = filter_dump(folder, name, mode)
            if dump is not None:
                filters[(name + " " + mode).strip()] = dump
    jails = JailsReader(basedir=folder)
    jails.read()
    sections = [name for name in jails.sections() if name != "INCLUDES"]
    dump = {name: jail_dump(folder, name) for name in sections}
    json.dump({"filters": filters, "jails": dump, "order": sections}, sys.stdout)


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]))
