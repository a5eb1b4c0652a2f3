-- What a filter is known to have found in a block.
-- ?1: the block's first place; ?2: the first place of the next block; ?3: filter.
-- Gives place, jail, host, whether it is a failure. Order: none. Goes through a range of the primary key.
SELECT place, jail_id, host_id, failure
FROM match
WHERE place >= ?1 AND place < ?2 AND filter_id = ?3;
