-- Whether a log is (still) known. ?1: id. Counts on the primary key.
SELECT 1 FROM log WHERE id = ?1;
