-- Per jail how many failures there are and when the last was (µs, NULL if none has a date).
-- Order: none. Scans failure.
SELECT jail_id, count(*), max(time_us) FROM failure GROUP BY jail_id;
