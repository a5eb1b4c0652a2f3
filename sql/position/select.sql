-- How far a jail has read its logs. ?1: jail's name. Gives log, offset, lines before it, the log's path,
-- as of when (µs). Order: log. Goes through a range of the primary key; counts on log's primary key.
SELECT log_id, offset, position.lines, log.path, at_us
FROM position JOIN log ON log.id = log_id
WHERE jail_id = (SELECT id FROM jail WHERE name = ?1)
ORDER BY log_id;
