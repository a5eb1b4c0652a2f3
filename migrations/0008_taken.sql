-- What is taken over from fail2ban's database, and has no other place here.

-- How many more bans the host had in the jail by then than stand in this table (below zero: less), as whoever made this
-- ban counted them: fail2ban remembers the number longer than the bans.
ALTER TABLE ban ADD COLUMN more INTEGER NOT NULL DEFAULT 0;
-- Finds these few.
CREATE INDEX ban_more ON ban (jail_id) WHERE more <> 0;

-- What was kept of a ban that was taken over: the lines that led to it, and what was caught in them. They have no places
-- in logs, and count for nothing: the ban is what they came to.
CREATE TABLE evidence (
    ban_id INTEGER PRIMARY KEY REFERENCES ban,
    -- A JSON object as fail2ban wrote it. TEXT if it is UTF-8, else BLOB.
    data   ANY NOT NULL
) STRICT;
CREATE TRIGGER ban_forgotten AFTER DELETE ON ban BEGIN
    DELETE FROM evidence WHERE ban_id = old.id;
END;
