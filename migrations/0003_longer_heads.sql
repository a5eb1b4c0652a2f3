-- A log is known by more of its beginning, and not by NULs before its first line: programs that write the same long
-- banner into each log, and logs that were emptied while their writer held them, were taken for one another.

-- How many NULs stand before the head, which begins behind them.
ALTER TABLE log ADD COLUMN starts INTEGER NOT NULL DEFAULT 0;
-- What follows the 4096 bytes of head, up to 64 KiB of both, compressed (Zstandard); NULL: nothing, or not known.
ALTER TABLE log ADD COLUMN more BLOB;
