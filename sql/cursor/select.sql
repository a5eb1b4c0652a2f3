-- Up to which entry a jail has read a journal. ?1: jail's name; ?2: journal. Gives cursor, when it was
-- written (µs). At most one row. By the primary key.
SELECT cursor, time_us
FROM cursor
WHERE jail_id = (SELECT id FROM jail WHERE name = ?1) AND journal = ?2;
