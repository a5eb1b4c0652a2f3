-- Every jail, also the nameless 0. Gives id, name. Order: name. Scans jail, which is small.
SELECT id, name FROM jail ORDER BY name;
