-- New matches of a host in a block are added to those that it has.
-- ?1: filter; ?2: jail; then host; block; matches; failures; first (µs) or NULL; last (µs) or NULL.
-- Counts on the primary key.
INSERT INTO tally (filter_id, jail_id, host_id, block, matches, failures, first_us, last_us)
VALUES (?1, ?2, ?, ?, ?, ?, ?, ?)
ON CONFLICT (host_id, block, filter_id, jail_id) DO UPDATE SET
    matches = matches + excluded.matches,
    failures = failures + excluded.failures,
    first_us = min(ifnull(first_us, excluded.first_us), ifnull(excluded.first_us, first_us)),
    last_us = max(ifnull(last_us, excluded.last_us), ifnull(excluded.last_us, last_us));
