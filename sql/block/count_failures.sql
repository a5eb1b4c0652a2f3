-- How many failures are in a block. ?1: block. One row. By the primary key.
SELECT ifnull(sum(failures), 0) FROM block WHERE block = ?1;
