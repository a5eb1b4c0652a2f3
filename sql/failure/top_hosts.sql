-- The hosts with the most failures.
-- ?1: jail's name, NULL for all; ?2: how many hosts at most. Gives host key, failures, first and last (µs,
-- NULL if none has a date). Order: failures, the most first, then host. Scans failure, in its own order.
SELECT host.key, top.failures, top.first_us, top.last_us
FROM (
    SELECT host_id, count(*) AS failures, min(time_us) AS first_us, max(time_us) AS last_us
    FROM failure
    WHERE ?1 IS NULL OR jail_id = (SELECT id FROM jail WHERE name = ?1)
    GROUP BY host_id
    ORDER BY failures DESC, host_id
    LIMIT ?2
) AS top
JOIN host ON host.id = top.host_id
ORDER BY top.failures DESC, host.key;
