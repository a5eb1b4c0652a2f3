-- A ban, unless this jail has one of this host that began at the same time.
-- ?1: jail; ?2: host; ?3: at (µs); ?4: until (µs), NULL if permanent; ?5: origin; ?6: failures;
-- ?7: ended (µs) or NULL; ?8: why, NULL with it. Counts on the unique (jail_id, host_id, at_us).
INSERT INTO ban (jail_id, host_id, at_us, until_us, origin, failures, ended_us, end_reason)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (jail_id, host_id, at_us) DO NOTHING;
