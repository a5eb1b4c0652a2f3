-- The failures of a jail in a span of time, to warm up its decisions.
-- ?1: jail's name; ?2: from (µs), included; ?3: to (µs), excluded. Gives host id, time (µs).
-- Order: time, then as hosts and places were first seen. Counts on failure_time; passes over other
-- jails' failures of that span.
SELECT failure.host_id, failure.time_us
FROM failure
WHERE failure.time_us >= ?2 AND failure.time_us < ?3
AND failure.jail_id = (SELECT id FROM jail WHERE name = ?1)
ORDER BY failure.time_us, failure.place, failure.host_id;
