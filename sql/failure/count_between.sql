-- How many failures a jail had in a span of time.
-- ?1: jail's name; ?2: from (µs), included; ?3: to (µs), excluded. Counts on failure_time.
SELECT count(*) FROM failure
WHERE time_us >= ?2 AND time_us < ?3 AND jail_id = (SELECT id FROM jail WHERE name = ?1);
