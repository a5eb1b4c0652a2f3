-- Nothing is left of what an action was told. ?1: jail's name; ?2: action. Counts on the primary key.
DELETE FROM told WHERE jail_id = (SELECT id FROM jail WHERE name = ?1) AND action = ?2;
