-- Of the bans of a host in a jail in force at an instant, the one whose time is over last; of several the
-- first.
-- ?1: host's key; ?2: jail's name; ?3: the instant (µs).
-- Gives its begin, until (µs or NULL), and whether failures up to then may prolong it: not those that a ban
-- began with, nor what happened before somebody ended a ban of the host there.
-- Counts on the unique (jail_id, host_id, at_us).
SELECT ban.at_us, ban.until_us, NOT EXISTS (
    SELECT 1 FROM ban AS other
    WHERE other.jail_id = ban.jail_id
    AND other.host_id = ban.host_id
    AND (other.at_us = ?3 OR (other.ended_us > ?3 AND other.end_reason <> 'expired'))
)
FROM ban
WHERE jail_id = (SELECT id FROM jail WHERE name = ?2)
AND host_id = (SELECT id FROM host WHERE key = ?1)
AND at_us <= ?3
AND (until_us IS NULL OR until_us > ?3)
AND (ended_us IS NULL OR ended_us > ?3)
ORDER BY until_us IS NULL DESC, until_us DESC, at_us
LIMIT 1;
