-- A line, unless it is there.
-- ?1: place; ?2: number, from 1; ?3: text, TEXT or BLOB. Counts on the primary key.
INSERT INTO line (place, number, text) VALUES (?1, ?2, ?3) ON CONFLICT (place) DO NOTHING;
