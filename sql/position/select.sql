-- How far a jail has read its logs. ?1: jail's name. Gives log, offset, lines before it. Order: log.
-- Goes through a range of the primary key.
SELECT log_id, offset, lines
FROM position
WHERE jail_id = (SELECT id FROM jail WHERE name = ?1)
ORDER BY log_id;
