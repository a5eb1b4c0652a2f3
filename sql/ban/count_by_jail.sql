-- Per jail how many bans there were and how many are in force. ?1: now (µs). Order: none. Scans ban.
SELECT
    jail_id,
    count(*),
    count(*) FILTER (
        WHERE at_us <= ?1
        AND (until_us IS NULL OR until_us > ?1)
        AND (ended_us IS NULL OR ended_us > ?1)
    )
FROM ban GROUP BY jail_id;
