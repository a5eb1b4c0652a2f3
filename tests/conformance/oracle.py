"""What Debian's fail2ban makes of a configuration folder or of a log: a JSON request a line, a JSON answer a line.

In:   {"tree": FOLDER}
      {"filter": NAME, "folder": FOLDER, "options": {...}, "lines": [...]}
Out:  {"order": [JAIL...], "jails": {JAIL: {...} or {"error": TEXT}}} or {"error": TEXT}
      {"lines": [[{"regex": N, "id": TEXT, "time": SECONDS, "fields": {...}}...]...]} or {"error": TEXT}
      {"hangs": true} where fail2ban takes too long

Lines are read as of 2005-08-14 12:00 in Zurich, identifiers as they are written, the first failregex that matches
decides. An answer in "lines" is null where fail2ban itself fails.
"""
import json
import os
import resource
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
os.environ["TZ"] = "Europe/Zurich"
time.tzset()

import config_dump  # noqa: E402
from fail2ban.client.filterreader import FilterReader  # noqa: E402
from fail2ban.client.jailsreader import JailsReader  # noqa: E402
from fail2ban.server.filter import FileFilter  # noqa: E402
from fail2ban.server.mytime import MyTime  # noqa: E402

NOW = 1124013600
# Found by the date detector of a stream, by whom the log is read, or fail2ban's own state.
INTERNAL = ("matches", "nofail", "mlfforget", "mlfgained", "mlfpending")


def tree(request):
    folder = request["tree"]
    reader = JailsReader(basedir=folder)
    if not reader.read():
        return {"error": "no jails"}
    order = [name for name in reader.sections() if name != "INCLUDES"]
    jails = {}
    for name in order:
        try:
            jails[name] = config_dump.jail_dump(folder, name) or {"error": "not read"}
        except Exception as error:
            jails[name] = {"error": "%s: %s" % (type(error).__name__, error)}
    return {"order": order, "jails": jails}


def load(request):
    reader = FilterReader(request["filter"], "j", request["options"], basedir=request["folder"])
    if not reader.read():
        raise ValueError("not read")
    reader.getOptions(None)
    found = FileFilter(None)
    found.returnRawHost = True
    found.checkFindTime = False
    found.setUseDns("raw")
    commands = config_dump.commands(reader.convert(), "j")
    for pattern in commands.get("datepattern", []):
        found.setDatePattern(pattern)
    for lines in commands.get("maxlines", []):
        found.setMaxLines(int(lines))
    for regex in commands.get("prefregex", []):
        found.prefRegex = regex
    for regex in commands.get("failregex", []):
        found.addFailRegex(regex)
    for regex in commands.get("ignoreregex", []):
        found.addIgnoreRegex(regex)
    return found


def plain(value):
    if isinstance(value, (set, frozenset)):
        return sorted(plain(each) for each in value)
    if isinstance(value, tuple):
        return str(value)
    return value


def read_log(request):
    MyTime.setTime(NOW)
    found = load(request)
    answer = []
    for line in request["lines"]:
        try:
            results = found.processLine(line)
        except Exception:
            answer.append(None)
            continue
        of_line = []
        for regex, identifier, at, fail in results:
            if identifier is None or fail.get("nofail"):
                continue
            fields = {k: plain(v) for k, v in fail.items() if v is not None and k not in INTERNAL}
            of_line.append({"regex": regex + 1, "id": plain(identifier), "time": at, "fields": fields})
        answer.append(of_line)
    return {"lines": answer}


class TooLong(BaseException):
    pass


def too_long(*_):
    raise TooLong()


# fail2ban does not come back from some tags that quote each other, nor from some expressions.
signal.signal(signal.SIGALRM, too_long)
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))

for text in sys.stdin:
    request = json.loads(text)
    signal.alarm(3)
    try:
        answer = tree(request) if "tree" in request else read_log(request)
    except (TooLong, MemoryError):
        answer = {"hangs": True}
    except Exception as error:
        answer = {"error": "%s: %s" % (type(error).__name__, error)}
    signal.alarm(0)
    print(json.dumps(answer, default=str), flush=True)
