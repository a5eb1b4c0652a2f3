-- The matches of a host in a block, by one filter in one jail.
-- ?1: the block's first place; ?2: the first place of the next block; ?3: host; ?4: filter; ?5: jail.
-- Gives time (µs) or NULL, place. Order: none. Goes through a range of the primary key.
SELECT time_us, place
FROM match
WHERE place >= ?1 AND place < ?2 AND host_id = ?3 AND filter_id = ?4 AND jail_id = ?5;
