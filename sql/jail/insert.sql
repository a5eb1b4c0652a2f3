-- A jail that was not known. ?1: name.
INSERT INTO jail (name) VALUES (?1);
