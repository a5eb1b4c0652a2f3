-- The failures of a jail in a block and a span of time, to warm up its decisions.
-- ?1: the block's first place; ?2: the first place of the next block; ?3: filter; ?4: jail's name;
-- ?5: from (µs), included; ?6: to (µs), excluded. Gives time (µs), place, host id.
-- Order: none. Goes through a range of the primary key.
SELECT time_us, place, host_id
FROM match
WHERE place >= ?1 AND place < ?2 AND filter_id = ?3
AND jail_id = (SELECT id FROM jail WHERE name = ?4)
AND failure AND time_us >= ?5 AND time_us < ?6;
