-- Deletes a line. ?1: its place. Its failures and matches go first.
-- By line's primary key.
DELETE FROM line WHERE place = ?1;
