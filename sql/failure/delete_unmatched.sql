-- Deletes the failures whose match is gone, so that every failure can be shown with its line.
-- Scans failure; counts on match's primary key.
DELETE FROM failure
WHERE NOT EXISTS (
    SELECT 1 FROM match
    WHERE match.place = failure.place AND match.filter_id = failure.filter_id
);
