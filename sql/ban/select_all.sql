-- Every ban, of one jail or of all. ?1: jail's name, NULL for all. Order: begin, then id. Scans ban.
SELECT host.key, jail.name, at_us, until_us, origin, failures, ended_us, end_reason
FROM ban JOIN host ON host.id = ban.host_id JOIN jail ON jail.id = ban.jail_id
WHERE ?1 IS NULL OR jail.name = ?1
ORDER BY at_us, ban.id;
