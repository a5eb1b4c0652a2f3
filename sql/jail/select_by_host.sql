-- The jails that have failures or bans of a host, by name.
-- ?1: the host's key.
-- Counts on tally's primary key and ban_host.
SELECT jail.name
FROM jail
WHERE jail.id IN (
    SELECT tally.jail_id
    FROM host JOIN tally ON tally.host_id = host.id
    WHERE host.key = ?1 AND tally.jail_id <> 0 AND tally.failures > 0
    UNION
    SELECT ban.jail_id
    FROM host JOIN ban ON ban.host_id = host.id
    WHERE host.key = ?1 AND ban.jail_id <> 0
)
ORDER BY jail.name;
