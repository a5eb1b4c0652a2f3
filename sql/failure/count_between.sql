-- How many failures a jail had in a span of time.
-- ?1: jail's name; ?2: from (µs), included; ?3: to (µs), excluded. One row.
-- Counts on match_time and failure's primary key; passes over other jails' failures of that span.
SELECT count(*)
FROM match CROSS JOIN failure
ON failure.place = match.place
AND failure.filter_id = match.filter_id
WHERE match.time_us >= ?2 AND match.time_us < ?3
AND failure.jail_id = (SELECT id FROM jail WHERE name = ?1);
