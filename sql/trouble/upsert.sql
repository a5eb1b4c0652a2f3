-- An action is not as it ought to be. ?1: jail; ?2: action; ?3: now (µs); ?4: why.
-- Counts on the primary key.
INSERT INTO trouble (jail_id, action, since_us, why, tries) VALUES (?1, ?2, ?3, ?4, 1)
ON CONFLICT (jail_id, action) DO UPDATE SET why = excluded.why, tries = tries + 1;
