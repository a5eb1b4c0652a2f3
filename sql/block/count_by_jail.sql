-- Per jail how many failures there are and when the last was (µs, NULL if none has a date).
-- Order: none. Scans block, which has a row for many matches.
SELECT jail_id, sum(failures), max(last_failure_us) FROM block GROUP BY jail_id;
