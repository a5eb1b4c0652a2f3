-- How many matches are in the blocks of block/select_before.sql. ?1: instant (µs). One row.
-- Scans block, which has a row for many matches; counts on log's primary key.
SELECT ifnull(sum(matches), 0)
FROM block
WHERE first_us < ?1
OR (block >> 20) IN (SELECT id FROM log WHERE seen_us < ?1);
