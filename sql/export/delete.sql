-- A file no longer repeats the bans. ?1: path. Counts on the primary key.
DELETE FROM export WHERE path = ?1;
