-- The id of a host. ?1: key (model::Host::key). At most one row. Counts on the unique key.
SELECT id FROM host WHERE key = ?1;
