"""Answers which dates Debian's fail2ban finds: lines on standard input, dates on standard output.

The zone is that of the environment's TZ.

In:   now SECONDS           sets the present instant
      patterns COUNT        starts a detector; that many patterns follow, one a line (0: built-in)
      line TEXT             prints "none", or "START END TIME NAME" with TIME "-" if there is none,
                            or "broken" if fail2ban refuses a pattern or can't compile what it makes of it
"""
import os
import re
import sys

sys.path.insert(0, os.environ.get("F2B_FAIL2BAN_ROOT", "") + "/usr/lib/python3/dist-packages")
sys.dont_write_bytecode = True

from fail2ban.server.datedetector import DateDetector  # noqa: E402
from fail2ban.server.mytime import MyTime  # noqa: E402

sys.stdin.reconfigure(encoding="utf-8", newline="\n")
sys.stdout.reconfigure(encoding="utf-8", newline="\n")

detector = None
while True:
    text = sys.stdin.readline()
    if not text:
        break
    word, _, rest = text.rstrip("\n").partition(" ")
    if word == "now":
        MyTime.setTime(float(rest))
        MyTime.myTime = float(rest)
    elif word == "patterns":
        detector = DateDetector()
        patterns = [sys.stdin.readline().rstrip("\n") for _ in range(int(rest))]
        try:
            for pattern in patterns:
                detector.appendTemplate(pattern)
            if not patterns:
                detector.addDefaultTemplate()
        except ValueError:
            detector = None
    elif word == "line":
        try:
            match, template = detector.matchTime(rest) if detector else (None, None)
        except re.error:
            detector = None
        if detector is None:
            print("broken")
            continue
        if match is None:
            print("none")
            continue
        start, end = match.start(1), match.end(1)
        try:
            found = detector.getTime(rest, (match, template))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            found = None
        at = "-" if found is None or found[0] is None else "%.6f" % found[0]
        print(start, end, at, template.name)
