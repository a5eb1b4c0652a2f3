-- The hosts of the bans in force of a jail that are yet to be carried out. ?1: jail's name; ?2: now (µs).
-- Order: none. Counts on ban_standing.
SELECT DISTINCT host.key
FROM ban JOIN host ON host.id = ban.host_id
WHERE ban.jail_id = (SELECT id FROM jail WHERE name = ?1)
AND ban.enforced_us IS NULL
AND ban.ended_us IS NULL
AND (ban.until_us IS NULL OR ban.until_us > ?2);
