-- A file that repeats the bans was written. ?1: path; ?2: format; ?3: its time of modification then (µs).
INSERT INTO export (path, format, written_us) VALUES (?1, ?2, ?3)
ON CONFLICT (path) DO UPDATE SET format = excluded.format, written_us = excluded.written_us;
