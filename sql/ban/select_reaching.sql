-- The bans of a jail that reach past an instant: those that nobody has ended and whose time is not over by
-- then, and those that ended later. ?1: jail's name; ?2: the instant (µs). Order: begin, then id.
-- Counts on ban_open and ban_ended; passes over other jails' bans that reach as far.
SELECT host.key, jail.name, at_us, until_us, origin, failures, ended_us, end_reason
FROM (
    SELECT * FROM ban WHERE ended_us IS NULL AND until_us IS NULL
    UNION ALL
    SELECT * FROM ban WHERE ended_us IS NULL AND until_us > ?2
    UNION ALL
    SELECT * FROM ban WHERE ended_us > ?2
) AS reaching
JOIN host ON host.id = reaching.host_id JOIN jail ON jail.id = reaching.jail_id
WHERE jail.name = ?1
ORDER BY at_us, reaching.id;
