-- Has a ban count so many more than are stored. ?1: jail; ?2: host; ?3: when it began (µs); ?4: how many.
-- Counts on the unique (jail_id, host_id, at_us).
UPDATE ban SET more = more + ?4 WHERE jail_id = ?1 AND host_id = ?2 AND at_us = ?3;
