-- Jails whose bans have changed since they were last carried out. Gives jail's name, changes. Order: jail.
-- Scans pending, which is small.
SELECT jail.name, changes FROM pending JOIN jail ON jail.id = pending.jail_id ORDER BY jail.name;
