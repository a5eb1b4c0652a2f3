-- New matches of a block are added to those that it has.
-- ?1: block; ?2: filter; ?3: jail; ?4: matches; ?5: failures; ?6: first (µs) or NULL;
-- ?7: last (µs) or NULL; ?8: last failure (µs) or NULL; ?9: digest of all that was found.
-- Counts on the primary key.
INSERT INTO block (
    block, filter_id, jail_id, matches, failures, first_us, last_us, last_failure_us, digest
)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (block, filter_id, jail_id) DO UPDATE SET
    matches = matches + excluded.matches,
    failures = failures + excluded.failures,
    first_us = min(ifnull(first_us, excluded.first_us), ifnull(excluded.first_us, first_us)),
    last_us = max(ifnull(last_us, excluded.last_us), ifnull(excluded.last_us, last_us)),
    last_failure_us = max(
        ifnull(last_failure_us, excluded.last_failure_us),
        ifnull(excluded.last_failure_us, last_failure_us)
    ),
    digest = excluded.digest;
