-- A jail has read a journal up to an entry.
-- ?1: jail; ?2: journal; ?3: the entry's cursor; ?4: when it was written (µs). By the primary key.
INSERT INTO cursor (jail_id, journal, cursor, time_us) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (jail_id, journal) DO UPDATE SET cursor = ?3, time_us = ?4;
