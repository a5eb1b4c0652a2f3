-- An action is as it ought to be. ?1: jail's name; ?2: action. Counts on the primary key.
DELETE FROM trouble WHERE jail_id = (SELECT id FROM jail WHERE name = ?1) AND action = ?2;
