-- A known log has grown.
-- ?1: id; ?2: head (at most 4096 bytes); ?3: what follows, compressed, or NULL. Counts on the primary key.
UPDATE log SET head = ?2, more = ?3 WHERE id = ?1;
