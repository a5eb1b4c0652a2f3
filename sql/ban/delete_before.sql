-- Deletes bans that were over before an instant, sealed or not. One that was lifted by hand
-- stays until it would have been over if a log led to it: that log would lead to it again.
-- So does the last one where jails count bans by their numbers: the next would have its number again.
-- ?1: instant (µs); ?2: how many at most. Gives host of each. Counts on ban_ended and ban_open.
-- Scans log, which is small.
DELETE FROM ban
WHERE id IN (
    SELECT id FROM ban
    WHERE ((ended_us < ?1 AND (
        end_reason <> 'unbanned' OR origin IN (3, 4) OR until_us < ?1
    ))
    OR (ended_us IS NULL AND until_us < ?1))
    AND (
        id < (SELECT max(id) FROM ban)
        OR NOT EXISTS (SELECT 1 FROM log WHERE path = 'f2b:bans')
    )
    LIMIT ?2
)
RETURNING host_id;
