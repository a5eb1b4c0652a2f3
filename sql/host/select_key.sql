-- The key of a host. ?1: id. Counts on the primary key.
SELECT key FROM host WHERE id = ?1;
