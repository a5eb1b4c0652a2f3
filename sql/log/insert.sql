-- A log that was not known.
-- ?1: NULs before it; ?2: head (at most 4096 bytes); ?3: what follows, compressed, or NULL; ?4: path;
-- ?5: seen (µs).
INSERT INTO log (starts, head, more, path, seen_us) VALUES (?1, ?2, ?3, ?4, ?5);
