-- A ban lasts until another time than it did, and is not over before that.
-- ?1: id; ?2: until (µs), NULL for good.
-- Counts on the primary key.
UPDATE ban SET until_us = ?2, ended_us = NULL, end_reason = NULL WHERE id = ?1;
