-- How far logs were read: jail, path, hash of the first line, offset (of a journal: seconds since 1970).
SELECT jail, path, firstlinemd5, lastfilepos FROM logs ORDER BY jail, path, lastfilepos;
