-- The bans of a jail that nobody has ended were carried out, those of which that was not known yet.
-- ?1: jail's name; ?2: now (µs). Counts on ban_standing.
UPDATE ban SET enforced_us = ?2
WHERE jail_id = (SELECT id FROM jail WHERE name = ?1) AND enforced_us IS NULL AND ended_us IS NULL;
