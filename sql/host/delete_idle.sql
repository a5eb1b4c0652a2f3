-- Forgets hosts that no match or ban names.
-- Scans host; counts on tally's primary key and ban_host.
DELETE FROM host
WHERE NOT EXISTS (SELECT 1 FROM tally WHERE tally.host_id = host.id)
AND NOT EXISTS (SELECT 1 FROM ban WHERE ban.host_id = host.id);
