-- What an action was told of bans. ?1: jail's name; ?2: action.
-- Gives host's key, until (µs) or NULL, done, tries. Order: host. Counts on the primary key.
SELECT host.key, until_us, done, tries
FROM told JOIN host ON host.id = told.host_id
WHERE told.jail_id = (SELECT id FROM jail WHERE name = ?1) AND told.action = ?2
ORDER BY host.key;
