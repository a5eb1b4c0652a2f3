-- The files that repeat the bans, or did once. Gives path, format, modified (µs). Order: path.
-- Scans export, which is small.
SELECT path, format, written_us FROM export ORDER BY path;
