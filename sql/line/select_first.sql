-- The first line that is kept of a log from an offset on. ?1: its place. ?2: the first place of the next log.
-- Begins a range of line's primary key.
SELECT place, text FROM line WHERE place >= ?1 AND place < ?2 ORDER BY place LIMIT 1;
