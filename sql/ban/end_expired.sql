-- Seals the bans whose time is over, each of which is told. ?1: now (µs). Gives the ended bans' id.
-- Counts on ban_open.
UPDATE ban SET ended_us = until_us, end_reason = 'expired' WHERE ended_us IS NULL AND until_us <= ?1
RETURNING id;
