-- The bans that count more, or less, than are stored, of one jail or of all. ?1: jail's name, NULL for all.
-- Gives host's key, jail, begin (µs), how many. Order: none. Scans the index ban_more, which holds only
-- these.
SELECT host.key, jail.name, at_us, more
FROM ban JOIN host ON host.id = ban.host_id JOIN jail ON jail.id = ban.jail_id
WHERE more <> 0 AND (?1 IS NULL OR jail.name = ?1);
