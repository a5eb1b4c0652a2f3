-- Counts the matches of each host in a block, of which no counts are kept.
-- ?1: block; ?2: its first place; ?3: the first place of the next block.
-- Goes through a range of match's primary key.
INSERT INTO tally (host_id, block, filter_id, jail_id, matches, failures, first_us, last_us)
SELECT host_id, ?1, filter_id, jail_id, count(*), sum(failure), min(time_us), max(time_us)
FROM match
WHERE place >= ?2 AND place < ?3 AND host_id <> 0
GROUP BY host_id, filter_id, jail_id;
