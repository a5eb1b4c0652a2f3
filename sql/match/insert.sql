-- A match, unless it is known.
-- ?1: place; ?2: filter; ?3: jail; ?4: host or 0; ?5: regex, from 1; ?6: time (µs) or NULL; ?7: nofail;
-- ?8: whether it is a failure; ?9: origin; and fields (a JSON object) or NULL. Counts on the primary key.
INSERT INTO match (place, filter_id, jail_id, host_id, regex, time_us, nofail, failure, origin, fields)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?)
ON CONFLICT (place, filter_id, jail_id, host_id) DO NOTHING;
