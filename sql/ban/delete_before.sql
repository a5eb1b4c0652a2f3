-- Deletes bans that were over before an instant, sealed or not.
-- ?1: instant (µs). Counts on ban_ended and ban_open.
DELETE FROM ban
WHERE (ended_us IS NOT NULL AND ended_us < ?1) OR (ended_us IS NULL AND until_us < ?1);
