-- Forgets a host if no match or ban names it. ?1: id.
-- Counts on tally's primary key and ban_host.
DELETE FROM host
WHERE id = ?1
AND NOT EXISTS (SELECT 1 FROM tally WHERE tally.host_id = ?1)
AND NOT EXISTS (SELECT 1 FROM ban WHERE ban.host_id = ?1);
