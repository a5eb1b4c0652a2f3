-- A match that is known as none turns out to be a failure.
-- ?1: place; ?2: filter; ?3: jail; ?4: host; ?5: origin. By the primary key.
UPDATE match SET failure = 1, origin = ?5
WHERE place = ?1 AND filter_id = ?2 AND jail_id = ?3 AND host_id = ?4;
