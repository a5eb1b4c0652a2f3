-- How far a jail has read a log or a journal. ?1: jail; ?2: path; ?3: hash of the first line; ?4: offset, or seconds.
INSERT OR REPLACE INTO logs (jail, path, firstlinemd5, lastfilepos) VALUES (?1, ?2, ?3, ?4);
