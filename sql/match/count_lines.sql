-- How many lines of a block concern a host.
-- ?1: the block's first place; ?2: the first place of the next block; ?3: host. One row.
-- Goes through a range of the primary key.
SELECT count(DISTINCT place) FROM match WHERE place >= ?1 AND place < ?2 AND host_id = ?3;
