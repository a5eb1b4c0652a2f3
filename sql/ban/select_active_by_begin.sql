-- The bans in force at an instant, now or in the past.
-- ?1: the instant (µs); ?2: jail's name, NULL for all. Order: begin, those of an instant as they were made.
-- Counts on ban_open and ban_ended: the first half are bans that nobody has ended, the second those that
-- ended later.
SELECT host.key, jail.name, at_us, until_us, origin, failures, ended_us, end_reason
FROM (
    SELECT * FROM ban WHERE ended_us IS NULL AND until_us IS NULL AND at_us <= ?1
    UNION ALL
    SELECT * FROM ban WHERE ended_us IS NULL AND until_us > ?1 AND at_us <= ?1
    UNION ALL
    SELECT * FROM ban WHERE ended_us > ?1 AND at_us <= ?1 AND (until_us IS NULL OR until_us > ?1)
) AS standing
JOIN host ON host.id = standing.host_id JOIN jail ON jail.id = standing.jail_id
WHERE ?2 IS NULL OR jail.name = ?2
ORDER BY at_us, standing.id;
