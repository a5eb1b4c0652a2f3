-- A known log was seen again, perhaps elsewhere, perhaps grown.
-- ?1: id; ?2: head, the longer of the two; ?3: path; ?4: seen (µs). Counts on the primary key.
UPDATE log SET head = ?2, path = ?3, seen_us = max(seen_us, ?4) WHERE id = ?1;
