-- The last line that is kept of a log. ?1: its first place. ?2: the first place of the next log.
-- Goes to the end of a range of line's primary key.
SELECT place, text FROM line WHERE place >= ?1 AND place < ?2 ORDER BY place DESC LIMIT 1;
