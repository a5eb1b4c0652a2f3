-- The changes of a jail were carried out. ?1: jail's name; ?2: how many there were when that began.
-- Counts on the primary key.
DELETE FROM pending
WHERE jail_id = (SELECT id FROM jail WHERE name = ?1) AND changes = ?2;
