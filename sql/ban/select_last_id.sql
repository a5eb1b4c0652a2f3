-- The number of the ban that was made last; 0 if there is none. One row. Counts on the primary key.
SELECT ifnull(max(id), 0) FROM ban;
