-- The blocks in which a jail has matches of a span of time, with their filters.
-- ?1: jail's name; ?2: from (µs), included; ?3: to (µs), excluded. Gives block, filter.
-- Order: none. Counts on block_time.
SELECT block, filter_id
FROM block
WHERE jail_id = (SELECT id FROM jail WHERE name = ?1)
AND last_us >= ?2 AND first_us < ?3;
