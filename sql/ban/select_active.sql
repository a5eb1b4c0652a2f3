-- The bans in force at an instant, now or in the past.
-- ?1: the instant (µs); ?2: jail's name, NULL for all.
-- ?3: their order: 'jail' (then host and begin), 'host' (then jail and begin) or 'begin' (then as they were
-- made). Counts, for bans that nobody has ended, on ban_open (of all jails) and ban_standing (of one), and on
-- ban_ended for those that ended later.
SELECT host.key, jail.name, at_us, until_us, origin, failures, ended_us, end_reason
FROM (
    SELECT * FROM ban WHERE ?2 IS NULL AND ended_us IS NULL AND until_us IS NULL AND at_us <= ?1
    UNION ALL
    SELECT * FROM ban WHERE ?2 IS NULL AND ended_us IS NULL AND until_us > ?1 AND at_us <= ?1
    UNION ALL
    SELECT * FROM ban
    WHERE jail_id = (SELECT id FROM jail WHERE name = ?2)
    AND ended_us IS NULL AND at_us <= ?1 AND (until_us IS NULL OR until_us > ?1)
    UNION ALL
    SELECT * FROM ban WHERE ended_us > ?1 AND at_us <= ?1 AND (until_us IS NULL OR until_us > ?1)
) AS standing
JOIN host ON host.id = standing.host_id JOIN jail ON jail.id = standing.jail_id
WHERE ?2 IS NULL OR jail.name = ?2
ORDER BY
    CASE ?3 WHEN 'jail' THEN jail.name WHEN 'host' THEN host.key ELSE at_us END,
    CASE ?3 WHEN 'jail' THEN host.key WHEN 'host' THEN jail.name ELSE standing.id END,
    at_us;
