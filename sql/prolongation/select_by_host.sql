-- What made bans of a host longer. ?1: host.
-- Gives host's key, jail's name, the ban's begin, at, until before, until (µs or NULL), origin, failures.
-- Order: at, then the ban's begin. Counts on ban_host and the primary key.
SELECT
    host.key, jail.name, ban.at_us, prolongation.at_us, until_before_us, prolongation.until_us,
    prolongation.origin, prolongation.failures
FROM ban
CROSS JOIN prolongation ON prolongation.ban_id = ban.id
JOIN host ON host.id = ban.host_id
JOIN jail ON jail.id = ban.jail_id
WHERE ban.host_id = ?1
ORDER BY prolongation.at_us, ban.at_us;
