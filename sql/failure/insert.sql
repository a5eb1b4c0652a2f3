-- A failure, unless it is there.
-- ?1: host; ?2: place; ?3: filter; ?4: jail; ?5: time (µs) or NULL; ?6: origin. Counts on the primary key.
INSERT INTO failure (host_id, place, filter_id, jail_id, time_us, origin)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (place, filter_id, jail_id, host_id) DO NOTHING;
