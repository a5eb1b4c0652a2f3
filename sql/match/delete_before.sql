-- Deletes matches before an instant; those without a date when their log was not seen since.
-- ?1: instant (µs). Scans match: an index by time would cost every insert and serve only this.
DELETE FROM match
WHERE time_us < ?1
OR (time_us IS NULL AND (place >> 40) IN (SELECT id FROM log WHERE seen_us < ?1));
