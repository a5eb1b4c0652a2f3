-- The id of a jail. ?1: name, '' for no jail. At most one row. Counts on the unique name.
SELECT id FROM jail WHERE name = ?1;
