-- A ban that lasts longer because its host goes on failing: ban.until_us is its end as it is by now, and what it was
-- before, and why it isn't any more, is told here.

CREATE TABLE prolongation (
    ban_id          INTEGER NOT NULL REFERENCES ban,
    -- The time of the last of the failures; later than the ban's.
    at_us           INTEGER NOT NULL,
    -- When the ban's time would have been over; of the first prolongation, as it was decided.
    until_before_us INTEGER NOT NULL,
    -- When it is since then, which is later; NULL: permanent.
    until_us        INTEGER,
    origin          INTEGER NOT NULL REFERENCES origin CHECK (origin BETWEEN 0 AND 4),
    -- How many failures led to it.
    failures        INTEGER NOT NULL,
    PRIMARY KEY (ban_id, at_us)
) WITHOUT ROWID, STRICT;

-- The number of a ban that is gone is given out again.
CREATE TRIGGER ban_deleted AFTER DELETE ON ban BEGIN
    DELETE FROM prolongation WHERE ban_id = old.id;
END;

CREATE VIEW prolongations AS
SELECT
    strftime('%Y-%m-%dT%H:%M:%SZ', prolongation.at_us / 1000000, 'unixepoch') AS at,
    host.text AS host,
    jail.name AS jail,
    strftime('%Y-%m-%dT%H:%M:%SZ', ban.at_us / 1000000, 'unixepoch') AS ban_at,
    strftime('%Y-%m-%dT%H:%M:%SZ', prolongation.until_before_us / 1000000, 'unixepoch') AS until_before,
    strftime('%Y-%m-%dT%H:%M:%SZ', prolongation.until_us / 1000000, 'unixepoch') AS until,
    origin.name AS origin,
    prolongation.failures,
    prolongation.at_us,
    ban.at_us AS ban_at_us,
    prolongation.until_before_us,
    prolongation.until_us
FROM prolongation
JOIN ban ON ban.id = prolongation.ban_id
JOIN host ON host.id = ban.host_id
JOIN jail ON jail.id = ban.jail_id
JOIN origin ON origin.id = prolongation.origin;
