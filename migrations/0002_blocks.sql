-- Version 2: one table for what filters find, and counters beside it.
--
-- A match is now of a filter in a jail and for a host, and says itself whether it is a failure; table failure is
-- gone. The indexes on its columns, which cost more to write than the rows, give way to two tables with a row for
-- many matches: block, by which the matches of a time are found and a jail's are counted, and tally, which does the
-- same for a host. docs/schema.md explains them.

DROP VIEW matches;
DROP VIEW failures;
ALTER TABLE match RENAME TO match_of_1;

-- A regular expression of a filter matched a line, in a jail.
CREATE TABLE match (
    place     INTEGER NOT NULL REFERENCES line,
    filter_id INTEGER NOT NULL REFERENCES filter,
    jail_id   INTEGER NOT NULL REFERENCES jail,
    -- 0: the match names no host. A name with several addresses makes several rows.
    host_id   INTEGER NOT NULL,
    -- Which failregex of the filter, from 1.
    regex     INTEGER NOT NULL,
    -- NULL: the line has no date. Not part of the key, so that reading a log again with other ideas about
    -- its year adds nothing.
    time_us   INTEGER,
    -- 1: the filter says that this is no failure by itself (<F-NOFAIL>).
    nofail    INTEGER NOT NULL CHECK (nofail IN (0, 1)),
    -- 1: it counts against the host.
    failure   INTEGER NOT NULL CHECK (failure IN (0, 1)),
    origin    INTEGER NOT NULL REFERENCES origin CHECK (origin BETWEEN 0 AND 4),
    -- What else the regular expression caught, a JSON object of texts.
    fields    TEXT,
    -- In the order of the logs: a scan appends.
    PRIMARY KEY (place, filter_id, jail_id, host_id)
) WITHOUT ROWID, STRICT;

-- Version 1 did not say in which jail a match was found that is no failure.
INSERT INTO match (place, filter_id, jail_id, host_id, regex, time_us, nofail, failure, origin, fields)
SELECT
    found.place, found.filter_id, coalesce(failure.jail_id, 0),
    coalesce(failure.host_id, found.host_id, 0), found.regex, found.time_us, found.nofail,
    failure.place IS NOT NULL, coalesce(failure.origin, 0), found.fields
FROM match_of_1 AS found
LEFT JOIN failure ON failure.place = found.place AND failure.filter_id = found.filter_id;
DROP TABLE failure;
DROP TABLE match_of_1;

-- What a filter found in a jail in one block of a log, a mebibyte of it: place >> 20. Logs are written in the order
-- of time, so that few blocks have to be looked at for a span of it.
CREATE TABLE block (
    block           INTEGER NOT NULL,
    filter_id       INTEGER NOT NULL REFERENCES filter,
    jail_id         INTEGER NOT NULL REFERENCES jail,
    matches         INTEGER NOT NULL,
    failures        INTEGER NOT NULL,
    -- Of the matches that have a date; NULL if none has.
    first_us        INTEGER,
    last_us         INTEGER,
    last_failure_us INTEGER,
    -- Of the matches that were last found here: found again they are known, and are not looked up one by one.
    -- 0: not known any more.
    digest          INTEGER NOT NULL,
    PRIMARY KEY (block, filter_id, jail_id)
) WITHOUT ROWID, STRICT;
-- Finds the blocks in which a jail has matches of a time.
CREATE INDEX block_time ON block (jail_id, last_us);

-- The matches of a host in one block.
CREATE TABLE tally (
    host_id   INTEGER NOT NULL REFERENCES host,
    block     INTEGER NOT NULL,
    filter_id INTEGER NOT NULL REFERENCES filter,
    jail_id   INTEGER NOT NULL REFERENCES jail,
    matches   INTEGER NOT NULL,
    failures  INTEGER NOT NULL,
    -- Of the matches that have a date; NULL if none has.
    first_us  INTEGER,
    last_us   INTEGER,
    PRIMARY KEY (host_id, block, filter_id, jail_id)
) WITHOUT ROWID, STRICT;

INSERT INTO block (
    block, filter_id, jail_id, matches, failures, first_us, last_us, last_failure_us, digest
)
SELECT
    place >> 20, filter_id, jail_id, count(*), sum(failure), min(time_us), max(time_us),
    max(iif(failure, time_us, NULL)), 0
FROM match
GROUP BY 1, 2, 3;

INSERT INTO tally (host_id, block, filter_id, jail_id, matches, failures, first_us, last_us)
SELECT host_id, place >> 20, filter_id, jail_id, count(*), sum(failure), min(time_us), max(time_us)
FROM match
WHERE host_id <> 0
GROUP BY 1, 2, 3, 4;

-- How many of its lines are stored.
ALTER TABLE log ADD COLUMN lines INTEGER NOT NULL DEFAULT 0;
UPDATE log SET lines = (
    SELECT count(*) FROM line WHERE line.place >= log.id << 40 AND line.place < (log.id + 1) << 40
);

-- A host is found by its key, also when a user types it.
DROP INDEX host_text;

CREATE VIEW matches AS
SELECT
    strftime('%Y-%m-%dT%H:%M:%SZ', match.time_us / 1000000, 'unixepoch') AS time,
    host.text AS host,
    jail.name AS jail,
    filter.name AS filter,
    match.regex,
    match.nofail,
    match.failure,
    origin.name AS origin,
    log.path AS log,
    line.number AS line,
    line.text,
    match.fields,
    match.time_us,
    match.place
FROM match
LEFT JOIN host ON host.id = match.host_id
JOIN jail ON jail.id = match.jail_id
JOIN filter ON filter.id = match.filter_id
JOIN origin ON origin.id = match.origin
JOIN line ON line.place = match.place
JOIN log ON log.id = match.place >> 40;

CREATE VIEW failures AS
SELECT time, host, jail, filter, origin, log, line, text, time_us, place
FROM matches
WHERE failure;
