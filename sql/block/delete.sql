-- Forgets the counts of a block. ?1: block. By the primary key.
DELETE FROM block WHERE block = ?1;
