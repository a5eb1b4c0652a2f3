-- The jails that have failures or bans of a host, by name.
-- ?1: the host's key.
-- Counts on failure_host and ban_host.
SELECT jail.name
FROM jail
WHERE jail.id IN (
    SELECT failure.jail_id
    FROM host JOIN failure ON failure.host_id = host.id
    WHERE host.key = ?1 AND failure.jail_id <> 0
    UNION
    SELECT ban.jail_id FROM host JOIN ban ON ban.host_id = host.id WHERE host.key = ?1
)
ORDER BY jail.name;
