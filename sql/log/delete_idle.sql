-- Forgets logs that were not seen lately and of which no line is left.
-- ?1: seen before (µs). Scans log, which is small; counts on line's primary key.
DELETE FROM log
WHERE seen_us < ?1
AND NOT EXISTS (
    SELECT 1 FROM line WHERE line.place >= log.id << 40 AND line.place < (log.id + 1) << 40
);
