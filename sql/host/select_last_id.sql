-- The last id that was given to a host, whether or not it is still there. One row.
SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'host';
