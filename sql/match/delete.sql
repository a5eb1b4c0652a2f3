-- Deletes the matches of a line. ?1: its place.
-- By match's primary key.
DELETE FROM match WHERE place = ?1;
