-- One ban. ?1: id. Gives the columns of every ban/select. Counts on the primary key.
SELECT host.key, jail.name, at_us, until_us, origin, failures, ended_us, end_reason
FROM ban JOIN host ON host.id = ban.host_id JOIN jail ON jail.id = ban.jail_id
WHERE ban.id = ?1;
