-- The bans of a host. ?1: host. Order: begin. Counts on ban_host.
SELECT host.key, jail.name, at_us, until_us, origin, failures, ended_us, end_reason
FROM ban JOIN host ON host.id = ban.host_id JOIN jail ON jail.id = ban.jail_id
WHERE ban.host_id = ?1
ORDER BY at_us, ban.id;
