-- How many matches a host has in each block, and of how many filters and jails. ?1: host.
-- Gives block, matches, filters and jails. Order: block. Counts on the primary key.
SELECT block, sum(matches), count(*) FROM tally WHERE host_id = ?1 GROUP BY block;
