-- A jail in numbers. ?1: its name; ?2: now (µs). At most one row: failures, when the last was (µs, NULL if
-- none has a date), bans, and those of them in force.
-- Counts on block_time, the unique (jail_id, host_id, at_us) of ban, ban_standing and ban_ended.
SELECT
    (SELECT ifnull(sum(failures), 0) FROM block WHERE jail_id = jail.id),
    (SELECT max(last_failure_us) FROM block WHERE jail_id = jail.id),
    (SELECT count(*) FROM ban WHERE jail_id = jail.id),
    (
        SELECT count(*) FROM ban
        WHERE jail_id = jail.id AND ended_us IS NULL
        AND at_us <= ?2 AND (until_us IS NULL OR until_us > ?2)
    ) + (
        -- SQLite would go through all bans of the jail, of which nearly all have ended, and none after now.
        SELECT count(*) FROM ban INDEXED BY ban_ended
        WHERE jail_id = jail.id AND ended_us > ?2
        AND at_us <= ?2 AND (until_us IS NULL OR until_us > ?2)
    )
FROM jail WHERE name = ?1;
