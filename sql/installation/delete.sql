-- It was taken out. ?1: jail's name; ?2: action. Counts on the unique (jail_id, action).
DELETE FROM installation WHERE jail_id = (SELECT id FROM jail WHERE name = ?1) AND action = ?2;
