-- Deletes the lines that no match refers to any more.
-- Scans line, in the order of both primary keys.
DELETE FROM line WHERE NOT EXISTS (SELECT 1 FROM match WHERE match.place = line.place);
