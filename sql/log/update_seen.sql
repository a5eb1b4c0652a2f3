-- A known log was seen again, perhaps elsewhere.
-- ?1: id; ?2: path; ?3: seen (µs). Counts on the primary key.
UPDATE log SET path = ?2, seen_us = max(seen_us, ?3) WHERE id = ?1;
