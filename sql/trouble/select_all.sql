-- Actions that are not as they ought to be. Gives jail's name, action, since (µs), why, tries.
-- Order: jail, action. Scans trouble, which is small.
SELECT jail.name, action, since_us, why, tries
FROM trouble JOIN jail ON jail.id = trouble.jail_id
ORDER BY jail.name, action;
