-- Ends the bans of a host that are in force at an instant, or begin later: the clock may have been wrong.
-- ?1: host; ?2: the instant (µs); ?3: reason; ?4: jail, NULL for all. Gives the ended bans' id.
-- Counts on ban_host.
UPDATE ban SET ended_us = max(?2, at_us), end_reason = ?3
WHERE host_id = ?1
AND (until_us IS NULL OR until_us > ?2)
AND (ended_us IS NULL OR ended_us > ?2)
AND (?4 IS NULL OR jail_id = ?4)
RETURNING id;
