-- The same as the newest ban of its host. Parameters as in insert_ban.sql.
INSERT OR REPLACE INTO bips (jail, ip, timeofban, bantime, bancount, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6);
