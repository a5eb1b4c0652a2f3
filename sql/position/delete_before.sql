-- Forgets how far logs were read that nobody has read since an instant. ?1: the instant (µs).
-- Scans position, which is small.
DELETE FROM position WHERE at_us < ?1;
