-- The logs whose heads start as a given head does, up to 64 bytes of it.
-- ?1: the first bytes, at most 64; ?2: the same, filled up with 0xff beyond the longest key; ?3: NULs before
-- it.
-- Gives id, NULs before the head, head, what follows; last seen first. Counts on log_head.
SELECT id, starts, head, more FROM log WHERE head_key >= ?1 AND head_key <= ?2 AND starts = ?3
ORDER BY seen_us DESC, id DESC;
