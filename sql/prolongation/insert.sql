-- A ban lasts longer, unless it is known that these failures made it so.
-- ?1: ban; ?2: time of the last failure (µs); ?3: until before (µs); ?4: until (µs), NULL for good;
-- ?5: origin; ?6: failures. Counts on the primary key.
INSERT INTO prolongation (ban_id, at_us, until_before_us, until_us, origin, failures)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (ban_id, at_us) DO NOTHING;
