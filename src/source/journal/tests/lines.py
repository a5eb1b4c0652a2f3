"""What fail2ban makes of a journal file, entry by entry, as JSON: [line, time], or null where it fails.

FILE [WORD...]: the words are a journalmatch.
"""
import json
import sys

from fail2ban.server.filtersystemd import FilterSystemd
from fail2ban.server.jail import Jail


class Alone(Jail):
    """A jail that has neither actions nor a database."""

    database = None
    name = "alone"

    def __init__(self):
        pass


reader = FilterSystemd(Alone(), journalfiles=sys.argv[1])
if sys.argv[2:]:
    reader.addJournalMatch(sys.argv[2:])
for entry in reader._FilterSystemd__journal:
    try:
        (before, _, line), time = reader.formatJournalEntry(entry)
        print(json.dumps([before + line, time]))
    except TypeError:
        print("null")
