-- Deletes the failures of a line. ?1: its place.
-- By failure's primary key.
DELETE FROM failure WHERE place = ?1;
