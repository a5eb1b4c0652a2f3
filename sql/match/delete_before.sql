-- Deletes matches before an instant; those without a date when their log was not seen since.
-- ?1: instant (µs). Counts on match_time; scans log, which is small.
DELETE FROM match
WHERE time_us < ?1
OR (time_us IS NULL AND (place >> 40) IN (SELECT id FROM log WHERE seen_us < ?1));
