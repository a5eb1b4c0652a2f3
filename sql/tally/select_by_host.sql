-- The blocks in which a host has matches, with filter and jail. ?1: host.
-- Gives block, filter, jail, last (µs) or NULL. Order: last, the latest first. Counts on the primary key.
SELECT block, filter_id, jail_id, last_us FROM tally WHERE host_id = ?1 ORDER BY last_us DESC, block DESC;
