-- What a filter last found in a block, by jail. ?1: block; ?2: filter. Gives jail, digest.
-- Order: none. Counts on the primary key.
SELECT jail_id, digest FROM block WHERE block = ?1 AND filter_id = ?2;
