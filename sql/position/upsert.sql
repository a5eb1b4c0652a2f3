-- A jail has read so far. ?1: jail; ?2: log; ?3: offset; ?4: lines before it; ?5: when (µs).
-- By the primary key.
INSERT INTO position (jail_id, log_id, offset, lines, at_us) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (jail_id, log_id) DO UPDATE SET offset = ?3, lines = ?4, at_us = ?5;
