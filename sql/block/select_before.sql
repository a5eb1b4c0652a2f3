-- The blocks that hold something older than an instant: matches of before it, or of a log that was not seen
-- since, where those without a date are as old. ?1: instant (µs). Gives block. Order: the oldest first.
-- Scans block, which has a row for many matches; counts on log's primary key.
SELECT block.block
FROM block
WHERE first_us < ?1
OR (block.block >> 20) IN (SELECT id FROM log WHERE seen_us < ?1)
GROUP BY block.block
ORDER BY min(first_us), block.block;
