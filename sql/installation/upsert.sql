-- Something was put into the packet filter. ?1: jail; ?2: action; ?3: recipe; ?4: since (µs).
-- Counts on the unique (jail_id, action).
INSERT INTO installation (jail_id, action, recipe, since_us) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (jail_id, action) DO UPDATE SET recipe = excluded.recipe, since_us = excluded.since_us;
