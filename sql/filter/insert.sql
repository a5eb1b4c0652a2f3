-- A filter that was not known. ?1: name; ?2: definition.
INSERT INTO filter (name, definition) VALUES (?1, ?2);
