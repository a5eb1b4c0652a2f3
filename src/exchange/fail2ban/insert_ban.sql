-- A ban for the history. ?1: jail; ?2: host; ?3: begin (s); ?4: for how long (s), -1 for ever; ?5: the how many-th;
-- ?6: data.
INSERT INTO bans (jail, ip, timeofban, bantime, bancount, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6);
