-- Whether a jail bans a host at an instant.
-- ?1: host; ?2: jail's name; ?3: the instant (µs). One row: 0 or 1. Counts on ban_host.
SELECT EXISTS (
    SELECT 1 FROM ban
    WHERE host_id = ?1
    AND jail_id = (SELECT id FROM jail WHERE name = ?2)
    AND at_us <= ?3
    AND (until_us IS NULL OR until_us > ?3)
    AND (ended_us IS NULL OR ended_us > ?3)
);
