-- New matches of a host in a block are added to those that it has.
-- ?1: host; ?2: block; ?3: filter; ?4: jail; ?5: matches; ?6: failures; ?7: first (µs) or NULL;
-- ?8: last (µs) or NULL. Counts on the primary key.
INSERT INTO tally (host_id, block, filter_id, jail_id, matches, failures, first_us, last_us)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (host_id, block, filter_id, jail_id) DO UPDATE SET
    matches = matches + excluded.matches,
    failures = failures + excluded.failures,
    first_us = min(ifnull(first_us, excluded.first_us), ifnull(excluded.first_us, first_us)),
    last_us = max(ifnull(last_us, excluded.last_us), ifnull(excluded.last_us, last_us));
