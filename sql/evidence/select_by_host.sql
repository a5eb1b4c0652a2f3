-- What was kept of the bans of a host. ?1: host. Gives jail, begin of the ban (µs), data.
-- Order: begin. Counts on ban_host.
SELECT jail.name, ban.at_us, data
FROM ban JOIN evidence ON ban_id = ban.id JOIN jail ON jail.id = ban.jail_id
WHERE ban.host_id = ?1
ORDER BY ban.at_us, ban.id;
