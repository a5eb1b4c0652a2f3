-- Forgets a host if no match or ban names it and no action has still to be told of a ban's end. ?1: id.
-- Counts on tally's primary key, ban_host and told_host.
DELETE FROM host
WHERE id = ?1
AND NOT EXISTS (SELECT 1 FROM tally WHERE tally.host_id = ?1)
AND NOT EXISTS (SELECT 1 FROM ban WHERE ban.host_id = ?1)
AND NOT EXISTS (SELECT 1 FROM told WHERE told.host_id = ?1);
