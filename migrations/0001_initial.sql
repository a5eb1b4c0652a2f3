-- The store of f2b, version 1: what was found in which logs, which failures that were, and the bans.
--
-- Times are microseconds since 1970-01-01T00:00:00Z (columns ending in _us). A place says for good where
-- a line stands: log.id << 40 | offset, the offset of the line's first byte in the uncompressed log.
-- Foreign keys are declared to show how things hang together; see src/store/open.rs for why the writer
-- does not have SQLite check them row by row. docs/schema.md explains it all to users.

-- A log is known by its first bytes, so that rotating, renaming and compressing it don't make it another
-- one. Of the heads kept here none is a prefix of another.
CREATE TABLE log (
    -- Never given out twice, for places would then mean two lines; less than 2^23.
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The first bytes of the uncompressed log, at most 4096: the most that was ever seen of it.
    head     BLOB NOT NULL,
    head_key BLOB NOT NULL GENERATED ALWAYS AS (substr(head, 1, 64)) VIRTUAL,
    -- Where it was last seen.
    path     TEXT NOT NULL,
    seen_us  INTEGER NOT NULL
) STRICT;
-- Finds the heads that start as a given one does.
CREATE INDEX log_head ON log (head_key);

-- A line that a filter matched; once, however many filters match it.
CREATE TABLE line (
    place  INTEGER PRIMARY KEY,
    -- From 1.
    number INTEGER NOT NULL,
    -- Without its line end. TEXT if it is UTF-8, else BLOB.
    text   ANY NOT NULL
) STRICT;

-- A filter as it was when it matched; changed regular expressions make another row.
CREATE TABLE filter (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    definition TEXT NOT NULL,
    UNIQUE (name, definition)
) STRICT;

CREATE TABLE jail (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;
-- No jail: failures found by a scan with a filter alone.
INSERT INTO jail (id, name) VALUES (0, '');

-- An address, a network, or a name that a filter gives instead.
CREATE TABLE host (
    -- Never given out twice: a process may remember it while another one purges.
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    -- 4, four octets, prefix; or 6, sixteen octets, prefix; or 255, name. Sorts as addresses sort.
    key  BLOB NOT NULL UNIQUE,
    text TEXT NOT NULL
) STRICT;
-- Finds a host by what a user types.
CREATE INDEX host_text ON host (text);

-- Who found a failure or decided a ban.
CREATE TABLE origin (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO origin (id, name)
VALUES (0, 'scan'), (1, 'daemon'), (2, 'batch'), (3, 'manual'), (4, 'import');

-- A regular expression of a filter matched a line.
CREATE TABLE match (
    place     INTEGER NOT NULL REFERENCES line,
    filter_id INTEGER NOT NULL REFERENCES filter,
    -- Which failregex of the filter, from 1.
    regex     INTEGER NOT NULL,
    -- NULL: the line has no date.
    time_us   INTEGER,
    -- NULL: the match names no host.
    host_id   INTEGER REFERENCES host,
    -- 1: the filter says that this is no failure by itself (<F-NOFAIL>).
    nofail    INTEGER NOT NULL CHECK (nofail IN (0, 1)),
    -- 1: it counted as a failure when it was first found.
    failure   INTEGER NOT NULL CHECK (failure IN (0, 1)),
    -- What else the regular expression caught, a JSON object of texts.
    fields    TEXT,
    PRIMARY KEY (place, filter_id)
) WITHOUT ROWID, STRICT;
-- Finds the matches of a span of time, in its order, and through them its failures. It is here and not
-- on failure because a match has one entry, a failure one per jail, and because logs are written in time
-- order, as match is: the index is appended to. With it on failure, a scan takes a fifth longer
-- (benches/store.rs).
CREATE INDEX match_time ON match (time_us);
-- Finds the matches of a host that were no failures; the others are found through failure.
CREATE INDEX match_other ON match (host_id) WHERE failure = 0 AND host_id IS NOT NULL;

-- A match that counts against a host in a jail. Its time is not part of the key, so that reading a log
-- again with other ideas about its year adds nothing.
CREATE TABLE failure (
    host_id   INTEGER NOT NULL REFERENCES host,
    place     INTEGER NOT NULL REFERENCES line,
    filter_id INTEGER NOT NULL REFERENCES filter,
    jail_id   INTEGER NOT NULL REFERENCES jail,
    -- NULL: the line has no date.
    time_us   INTEGER,
    origin    INTEGER NOT NULL REFERENCES origin CHECK (origin BETWEEN 0 AND 4),
    PRIMARY KEY (place, filter_id, jail_id, host_id)
) WITHOUT ROWID, STRICT;
-- Finds the failures of a host. The table itself is in the order of the logs, so that writing appends to it
-- and a match leads to its failures, all of them: a name with several addresses makes several.
CREATE INDEX failure_host ON failure (host_id);

CREATE TABLE ban (
    id         INTEGER PRIMARY KEY,
    jail_id    INTEGER NOT NULL REFERENCES jail,
    host_id    INTEGER NOT NULL REFERENCES host,
    at_us      INTEGER NOT NULL,
    -- When its time is over; NULL: permanent.
    until_us   INTEGER,
    origin     INTEGER NOT NULL REFERENCES origin CHECK (origin BETWEEN 0 AND 4),
    -- How many failures led to it.
    failures   INTEGER NOT NULL,
    -- When and why it really ended; NULL while nobody has ended it.
    ended_us   INTEGER,
    end_reason TEXT CHECK (end_reason IN ('expired', 'unbanned', 'replaced')),
    UNIQUE (jail_id, host_id, at_us),
    CHECK ((ended_us IS NULL) = (end_reason IS NULL))
) STRICT;
-- Finds the bans that nobody has ended, in the order in which their time is over.
CREATE INDEX ban_open ON ban (until_us) WHERE ended_us IS NULL;
-- Finds the bans that were in force at an instant of the past.
CREATE INDEX ban_ended ON ban (ended_us) WHERE ended_us IS NOT NULL;
-- Finds the bans of a host, in time order.
CREATE INDEX ban_host ON ban (host_id, at_us);

-- Files that repeat the bans in force, written anew when those change.
CREATE TABLE export (
    path       TEXT PRIMARY KEY,
    format     TEXT NOT NULL,
    written_us INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

-- What people read. Times are shown to the second; the exact ones are beside them.
CREATE VIEW matches AS
SELECT
    strftime('%Y-%m-%dT%H:%M:%SZ', match.time_us / 1000000, 'unixepoch') AS time,
    host.text AS host,
    filter.name AS filter,
    match.regex,
    match.nofail,
    match.failure,
    log.path AS log,
    line.number AS line,
    line.text,
    match.fields,
    match.time_us,
    match.place
FROM match
LEFT JOIN host ON host.id = match.host_id
JOIN filter ON filter.id = match.filter_id
JOIN line ON line.place = match.place
JOIN log ON log.id = match.place >> 40;

CREATE VIEW failures AS
SELECT
    strftime('%Y-%m-%dT%H:%M:%SZ', failure.time_us / 1000000, 'unixepoch') AS time,
    host.text AS host,
    jail.name AS jail,
    filter.name AS filter,
    origin.name AS origin,
    log.path AS log,
    line.number AS line,
    line.text,
    failure.time_us,
    failure.place
FROM failure
JOIN host ON host.id = failure.host_id
JOIN jail ON jail.id = failure.jail_id
JOIN filter ON filter.id = failure.filter_id
JOIN origin ON origin.id = failure.origin
JOIN line ON line.place = failure.place
JOIN log ON log.id = failure.place >> 40;

CREATE VIEW bans AS
SELECT
    strftime('%Y-%m-%dT%H:%M:%SZ', ban.at_us / 1000000, 'unixepoch') AS at,
    strftime('%Y-%m-%dT%H:%M:%SZ', ban.until_us / 1000000, 'unixepoch') AS until,
    host.text AS host,
    jail.name AS jail,
    origin.name AS origin,
    ban.failures,
    strftime('%Y-%m-%dT%H:%M:%SZ', ban.ended_us / 1000000, 'unixepoch') AS ended,
    ban.end_reason,
    ban.at_us,
    ban.until_us,
    ban.ended_us
FROM ban
JOIN host ON host.id = ban.host_id
JOIN jail ON jail.id = ban.jail_id
JOIN origin ON origin.id = ban.origin;
