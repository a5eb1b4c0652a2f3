-- The bans from a number on, which they have in the order in which they were made.
-- ?1: the number; ?2: those that began before this (µs) are left out.
-- Gives the columns of every ban/select, the number, and whether the host was let in before and a log or an
-- administrator had it banned: not imported, and not in the place of a ban that was shorter.
-- Order: number. Counts on the primary key and ban_host.
SELECT
    host.key, jail.name, ban.at_us, ban.until_us, ban.origin, ban.failures, ban.ended_us, ban.end_reason,
    ban.id,
    ban.origin <> 4 AND NOT EXISTS (
        SELECT 1 FROM ban AS former
        WHERE former.host_id = ban.host_id
        AND former.at_us <= ban.at_us
        AND former.jail_id = ban.jail_id
        AND former.id < ban.id
        AND former.end_reason = 'replaced'
        -- Of two that began at once the later is moved on by as little.
        AND former.ended_us BETWEEN ban.at_us - 1 AND ban.at_us
    )
FROM ban JOIN host ON host.id = ban.host_id JOIN jail ON jail.id = ban.jail_id
WHERE ban.id >= ?1 AND ban.at_us >= ?2
ORDER BY ban.id;
