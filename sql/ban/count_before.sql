-- How many bans of a host began before an instant, less those that were forgiven: an administrator who lifts
-- a ban forgives it and those of the same jail before it. Those that are not stored count as well.
-- ?1: host; ?2: the instant (µs), excluded; ?3: jail's name, NULL for all.
-- One row: count, begin of the last (µs) or NULL. Counts on ban_host.
SELECT count(*) + ifnull(sum(ban.more), 0), max(ban.at_us)
FROM ban LEFT JOIN (
    SELECT jail_id, max(at_us) AS until_us
    FROM ban WHERE host_id = ?1 AND at_us < ?2 AND end_reason = 'unbanned' AND ended_us <= ?2
    GROUP BY jail_id
) AS forgiven ON forgiven.jail_id = ban.jail_id
WHERE ban.host_id = ?1
AND ban.at_us < ?2
AND (forgiven.until_us IS NULL OR ban.at_us > forgiven.until_us)
AND (?3 IS NULL OR ban.jail_id = (SELECT id FROM jail WHERE name = ?3));
