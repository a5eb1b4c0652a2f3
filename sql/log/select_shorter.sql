-- The log whose whole head is ?1.
-- ?1: the first bytes of a log, at most 64. Gives id, head. At most one row. Counts on log_head.
SELECT id, head FROM log WHERE head_key = ?1 AND head = ?1;
