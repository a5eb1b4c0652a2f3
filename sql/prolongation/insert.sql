-- A ban lasts longer, unless it is known that these failures made it so, it lasts as long already, or
-- somebody ended it.
-- ?1: host's key; ?2: jail's name; ?3: the ban's begin (µs); ?4: time of the last failure (µs);
-- ?5: until (µs), NULL for good; ?6: origin; ?7: failures.
-- Gives the ban's id and until when it lasted before (µs).
-- Counts on ban's unique (jail_id, host_id, at_us) and on the primary key.
INSERT INTO prolongation (ban_id, at_us, until_before_us, until_us, origin, failures)
SELECT id, ?4, until_us, ?5, ?6, ?7
FROM ban
WHERE jail_id = (SELECT id FROM jail WHERE name = ?2)
AND host_id = (SELECT id FROM host WHERE key = ?1)
AND at_us = ?3
AND at_us < ?4
AND until_us < coalesce(?5, 9223372036854775807)
AND (ended_us IS NULL OR end_reason = 'expired')
ON CONFLICT (ban_id, at_us) DO NOTHING
RETURNING ban_id, until_before_us;
