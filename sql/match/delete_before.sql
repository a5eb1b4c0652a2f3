-- Deletes the matches of a block that are older than an instant; those without a date if their log was not
-- seen since. ?1: the block's first place; ?2: the first place of the next block; ?3: instant (µs).
-- Gives host or 0 of each. Goes through a range of the primary key; counts on log's primary key.
DELETE FROM match
WHERE place >= ?1 AND place < ?2
AND (
    time_us < ?3
    OR (time_us IS NULL AND EXISTS (SELECT 1 FROM log WHERE id = match.place >> 40 AND seen_us < ?3))
)
RETURNING host_id;
