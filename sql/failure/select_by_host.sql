-- What is known of a host, line by line, the last ones: its failures, and its matches that were none.
-- ?1: host; ?2: how many at most. Gives time (µs) or NULL, jail or NULL if it was no failure, filter,
-- regex, nofail, origin or NULL, log path, line number, text. Order: time, none first, then place.
-- Counts on failure_host, match_other and the primary keys; texts are looked up after the cut.
SELECT
    event.time_us, jail.name, filter.name, match.regex, match.nofail, event.origin,
    log.path, line.number, line.text
FROM (
    SELECT time_us, place, filter_id, jail_id, origin
    FROM failure WHERE host_id = ?1
    UNION ALL
    SELECT time_us, place, filter_id, NULL, NULL
    FROM match AS other
    WHERE host_id = ?1 AND failure = 0
    AND NOT EXISTS (
        SELECT 1 FROM failure
        WHERE failure.host_id = ?1
        AND failure.place = other.place
        AND failure.filter_id = other.filter_id
    )
    ORDER BY 1 DESC, 2 DESC, 3, 4
    LIMIT ?2
) AS event
JOIN match ON match.place = event.place AND match.filter_id = event.filter_id
JOIN filter ON filter.id = event.filter_id
JOIN line ON line.place = event.place
JOIN log ON log.id = event.place >> 40
LEFT JOIN jail ON jail.id = event.jail_id
ORDER BY event.time_us, event.place, event.filter_id DESC, event.jail_id DESC;
