-- What was put into the packet filter. Gives jail's name, action, recipe, since (µs). Order: jail, action.
-- Scans installation, which is small.
SELECT jail.name, action, recipe, since_us
FROM installation JOIN jail ON jail.id = installation.jail_id
ORDER BY jail.name, action;
