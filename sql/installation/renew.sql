-- What was put in for a jail was made anew. ?1: jail's name; ?2: now (µs).
-- Counts on the unique (jail_id, action).
UPDATE installation SET since_us = ?2 WHERE jail_id = (SELECT id FROM jail WHERE name = ?1);
