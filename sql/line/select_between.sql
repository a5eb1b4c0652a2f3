-- The lines of a block. ?1: its first place; ?2: the first place of the next block. Gives place, text.
-- Order: place. Goes through a range of the primary key.
SELECT place, text FROM line WHERE place >= ?1 AND place < ?2 ORDER BY place;
