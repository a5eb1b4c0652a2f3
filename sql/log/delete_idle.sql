-- Forgets logs that were not seen lately, of which no line is left, and which nobody follows.
-- ?1: seen before (µs). Scans log and position, which are small; counts on line's primary key.
DELETE FROM log
WHERE seen_us < ?1
AND NOT EXISTS (
    SELECT 1 FROM line WHERE line.place >= log.id << 40 AND line.place < (log.id + 1) << 40
)
AND NOT EXISTS (SELECT 1 FROM position WHERE position.log_id = log.id);
