-- So many more lines of a log are stored. ?1: id; ?2: how many, negative if there are less.
-- By the primary key.
UPDATE log SET lines = lines + ?2 WHERE id = ?1;
