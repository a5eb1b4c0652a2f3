-- What was kept of a ban, unless that is known. ?1: jail; ?2: host; ?3: when the ban began (µs);
-- ?4: what was kept. Counts on the unique (jail_id, host_id, at_us).
INSERT INTO evidence (ban_id, data)
SELECT id, ?4 FROM ban WHERE jail_id = ?1 AND host_id = ?2 AND at_us = ?3
ON CONFLICT (ban_id) DO NOTHING;
