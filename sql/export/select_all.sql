-- The files that repeat the bans. Gives path, format, written (µs). Order: path.
-- Scans export, which is small.
SELECT path, format, written_us FROM export ORDER BY path;
