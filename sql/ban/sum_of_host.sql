-- What bans of a host in a jail come to. ?1: jail's name; ?2: host; ?3: from (µs), included.
-- One row: when the last began (µs) or NULL; how many failures led to those from then on.
-- Counts on ban's key of jail, host and begin.
SELECT max(at_us), ifnull(sum(iif(at_us >= ?3, failures, 0)), 0)
FROM ban
WHERE jail_id = (SELECT id FROM jail WHERE name = ?1) AND host_id = ?2;
