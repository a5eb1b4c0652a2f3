-- Deletes the lines of a block to which no match refers any more.
-- ?1: the block's first place; ?2: the first place of the next block.
-- Goes through a range of the primary key; counts on match's.
DELETE FROM line
WHERE place >= ?1 AND place < ?2
AND NOT EXISTS (SELECT 1 FROM match WHERE match.place = line.place);
