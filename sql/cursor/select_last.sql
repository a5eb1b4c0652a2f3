-- When the last entry of any journal was written that a jail has read. ?1: jail's name.
-- One row: time (µs) or NULL. By the primary key.
SELECT max(time_us) FROM cursor WHERE jail_id = (SELECT id FROM jail WHERE name = ?1);
