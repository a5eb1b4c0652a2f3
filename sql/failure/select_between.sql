-- The failures of a jail in a span of time, to warm up its decisions.
-- ?1: jail's name; ?2: from (µs), included; ?3: to (µs), excluded. Gives host id, time (µs), log id.
-- Order: time, then place, then host. Counts on match_time and failure's primary key; passes over
-- other jails' failures of that span.
SELECT failure.host_id, match.time_us, match.place >> 40
FROM match CROSS JOIN failure
ON failure.place = match.place
AND failure.filter_id = match.filter_id
WHERE match.time_us >= ?2 AND match.time_us < ?3
AND failure.jail_id = (SELECT id FROM jail WHERE name = ?1)
ORDER BY match.time_us, match.place, match.filter_id, failure.host_id;
