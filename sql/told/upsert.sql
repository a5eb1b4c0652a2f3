-- An action is told of a ban. ?1: jail; ?2: action; ?3: host; ?4: until (µs) or NULL; ?5: done; ?6: tries.
-- Counts on the primary key.
INSERT INTO told (jail_id, action, host_id, until_us, done, tries) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (jail_id, action, host_id)
DO UPDATE SET until_us = excluded.until_us, done = excluded.done, tries = excluded.tries;
