-- Forgets hosts that no match, failure or ban names.
-- Scans match and failure, once each, and host.
DELETE FROM host
WHERE id NOT IN (SELECT host_id FROM match WHERE host_id IS NOT NULL)
AND NOT EXISTS (SELECT 1 FROM failure WHERE failure.host_id = host.id)
AND NOT EXISTS (SELECT 1 FROM ban WHERE ban.host_id = host.id);
