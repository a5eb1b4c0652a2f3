-- Every ban, those of a host in a jail one after the other, as they were made: the history, and behind it what stands in
-- bips, with 1. Fractions of seconds are numbers with a point.
SELECT jail, ip, timeofban, bantime, bancount, data, 0 AS is_newest, rowid AS nth FROM bans
UNION ALL
SELECT jail, ip, timeofban, bantime, bancount, data, 1, 0 FROM bips
ORDER BY jail, ip, timeofban, is_newest, nth;
