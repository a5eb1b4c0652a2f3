-- The log whose whole head is ?1.
-- ?1: the first bytes of a log, at most 64; ?2: NULs before it. Gives id, NULs before the head, head, what
-- follows (NULL). At most one row. Counts on log_head.
SELECT id, starts, head, more FROM log WHERE head_key = ?1 AND head = ?1 AND starts = ?2;
