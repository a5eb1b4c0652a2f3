-- A log that was not known.
-- ?1: head (at most 4096 bytes); ?2: path; ?3: seen (µs).
INSERT INTO log (head, path, seen_us) VALUES (?1, ?2, ?3);
