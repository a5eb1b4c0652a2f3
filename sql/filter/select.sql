-- The id of a filter. ?1: name; ?2: definition. At most one row. Counts on the unique (name, definition).
SELECT id FROM filter WHERE name = ?1 AND definition = ?2;
