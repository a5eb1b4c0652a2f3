-- How far jails have read what they follow, kept in the transaction that stores what was read: after whatever end of
-- the process each line counts once.

-- How far a jail has read a log.
CREATE TABLE position (
    jail_id INTEGER NOT NULL REFERENCES jail,
    log_id  INTEGER NOT NULL REFERENCES log,
    -- The offset of the first line that is not read yet, and the number of lines before it.
    offset  INTEGER NOT NULL,
    lines   INTEGER NOT NULL,
    at_us   INTEGER NOT NULL,
    PRIMARY KEY (jail_id, log_id)
) WITHOUT ROWID, STRICT;

-- The last entry of a journal that a jail has read.
CREATE TABLE cursor (
    jail_id INTEGER NOT NULL REFERENCES jail,
    -- Which journal, as the jail names it.
    journal TEXT NOT NULL,
    -- As systemd names the entry, and when it was written.
    cursor  TEXT NOT NULL,
    time_us INTEGER NOT NULL,
    PRIMARY KEY (jail_id, journal)
) WITHOUT ROWID, STRICT;
