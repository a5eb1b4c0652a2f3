-- A match, unless this filter is known to match this line.
-- ?1: place; ?2: filter; ?3: regex, from 1; ?4: time (µs) or NULL; ?5: host or NULL; ?6: nofail;
-- ?7: whether it counts as a failure; ?8: fields (JSON object) or NULL. Counts on the primary key.
INSERT INTO match (place, filter_id, regex, time_us, host_id, nofail, failure, fields)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (place, filter_id) DO NOTHING;
