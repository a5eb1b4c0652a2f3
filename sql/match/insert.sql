-- A match, unless it is known.
-- ?1: filter; ?2: jail; ?3: origin; then place; host or 0; regex, from 1; time (µs) or NULL; nofail;
-- whether it is a failure; and fields (a JSON object) or NULL. Counts on the primary key.
INSERT INTO match (filter_id, jail_id, origin, place, host_id, regex, time_us, nofail, failure, fields)
VALUES (?1, ?2, ?3, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (place, filter_id, jail_id, host_id) DO NOTHING;
