-- An action was told of the end of a ban. ?1: jail's name; ?2: action; ?3: host's key.
-- Counts on the primary key.
DELETE FROM told
WHERE jail_id = (SELECT id FROM jail WHERE name = ?1)
AND action = ?2
AND host_id = (SELECT id FROM host WHERE key = ?3);
