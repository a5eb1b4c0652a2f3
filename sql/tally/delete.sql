-- Forgets how many matches the hosts of a block have in it; before the matches are deleted.
-- ?1: block; ?2: its first place; ?3: the first place of the next block.
-- Goes through a range of match's primary key; counts on the primary key.
DELETE FROM tally
WHERE block = ?1
AND host_id IN (SELECT host_id FROM match WHERE place >= ?2 AND place < ?3);
