-- Bans in force whose hosts have failed in the same jail since they were carried out, and since what is put
-- in for that jail was made, where nothing is known to be wrong with it.
-- ?1: now (µs); ?2: how much later a failure has to be (µs); ?3: since when failures count (µs);
-- ?4: jail's name, NULL for all. Gives the columns of every ban/select, how many failures, when the last was
-- (µs). Order: that, latest first.
-- Counts on ban_open and the primary keys of tally and match. Scans installation, which is small.
SELECT
    host.key, jail.name, ban.at_us, ban.until_us, ban.origin, ban.failures, ban.ended_us, ban.end_reason,
    count(*), max(match.time_us) AS last_us
FROM (
    SELECT * FROM ban WHERE ended_us IS NULL AND until_us IS NULL AND at_us <= ?1
    UNION ALL
    SELECT * FROM ban WHERE ended_us IS NULL AND until_us > ?1 AND at_us <= ?1
) AS ban
CROSS JOIN (
    SELECT jail_id, max(since_us) AS since_us FROM installation GROUP BY jail_id
) AS made ON made.jail_id = ban.jail_id
CROSS JOIN tally ON tally.host_id = ban.host_id AND tally.jail_id = ban.jail_id
CROSS JOIN match
    ON match.place BETWEEN tally.block << 20 AND (tally.block << 20) + 0xfffff
    AND match.filter_id = tally.filter_id
    AND match.jail_id = tally.jail_id
    AND match.host_id = tally.host_id
JOIN jail ON jail.id = ban.jail_id
JOIN host ON host.id = ban.host_id
WHERE (?4 IS NULL OR jail.name = ?4)
AND tally.failures > 0
AND tally.last_us > max(ban.at_us, ban.enforced_us, made.since_us, ?3) + ?2
AND match.failure
AND match.time_us > max(ban.at_us, ban.enforced_us, made.since_us, ?3) + ?2
AND match.time_us <= ?1
AND NOT EXISTS (
    SELECT 1 FROM trouble WHERE trouble.jail_id = ban.jail_id AND trouble.action <> 'kill_connections'
)
GROUP BY ban.id
ORDER BY last_us DESC, host.key;
