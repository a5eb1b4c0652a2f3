-- A jail, unless it is known. ?1: name.
INSERT OR IGNORE INTO jails (name) VALUES (?1);
