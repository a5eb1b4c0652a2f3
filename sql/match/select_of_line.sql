-- What was found of a host in a line. ?1: place; ?2: host.
-- Gives time (µs) or NULL, jail, filter, regex, nofail, failure, origin, log path, line number, text, place,
-- fields as JSON or NULL.
-- Order: filter, jail. Counts on primary keys.
SELECT
    match.time_us, jail.name, filter.name, match.regex, match.nofail, match.failure, match.origin,
    log.path, line.number, line.text, match.place, match.fields
FROM match
JOIN filter ON filter.id = match.filter_id
JOIN line ON line.place = match.place
JOIN log ON log.id = match.place >> 40
JOIN jail ON jail.id = match.jail_id
WHERE match.place = ?1 AND match.host_id = ?2
ORDER BY match.filter_id, match.jail_id;
