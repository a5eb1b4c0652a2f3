-- Counts the matches of a block, of which no counts are kept.
-- ?1: block; ?2: its first place; ?3: the first place of the next block.
-- Goes through a range of match's primary key.
INSERT INTO block (
    block, filter_id, jail_id, matches, failures, first_us, last_us, last_failure_us, digest
)
SELECT
    ?1, filter_id, jail_id, count(*), sum(failure), min(time_us), max(time_us),
    max(iif(failure, time_us, NULL)), 0
FROM match
WHERE place >= ?2 AND place < ?3
GROUP BY filter_id, jail_id;
