-- A ban that may come to last longer: one that isn't for good and that nobody has ended before its time.
-- ?1: host's key; ?2: jail's name; ?3: its begin (µs). Gives id, until (µs).
-- Counts on the unique (jail_id, host_id, at_us).
SELECT id, until_us FROM ban
WHERE jail_id = (SELECT id FROM jail WHERE name = ?2)
AND host_id = (SELECT id FROM host WHERE key = ?1)
AND at_us = ?3
AND until_us IS NOT NULL
AND (ended_us IS NULL OR end_reason = 'expired');
