-- From version 3 to 4: the newest ban of each host in each jail stands by itself.
CREATE TABLE bips (ip, jail, timeofban, bantime, bancount, data, PRIMARY KEY (ip, jail));
INSERT OR REPLACE INTO bips
SELECT ip, jail, timeofban, bantime, bancount, data FROM bans ORDER BY timeofban, rowid;
