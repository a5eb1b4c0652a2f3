-- What f2b has put into the packet filter for an action of a jail: it is taken out as it was put in, whatever the
-- configuration says by then.
CREATE TABLE installation (
    id       INTEGER PRIMARY KEY,
    jail_id  INTEGER NOT NULL REFERENCES jail,
    -- The action's name in its jail.
    action   TEXT NOT NULL,
    -- What was put where, a JSON text that only f2b reads.
    recipe   TEXT NOT NULL,
    since_us INTEGER NOT NULL,
    UNIQUE (jail_id, action)
) STRICT;

-- Actions that are not as they ought to be: their bans are in the store and not, or not all, in force.
CREATE TABLE trouble (
    jail_id  INTEGER NOT NULL REFERENCES jail,
    -- The action's name in its jail.
    action   TEXT NOT NULL,
    -- Since when, and why, as a user is told.
    since_us INTEGER NOT NULL,
    why      TEXT NOT NULL,
    -- How often it was tried to mend that.
    tries    INTEGER NOT NULL,
    PRIMARY KEY (jail_id, action)
) WITHOUT ROWID, STRICT;

-- Jails whose bans have changed since what keeps their hosts out was last made equal to them: whoever comes next does
-- that, if the one who changed them was killed or was told not to.
CREATE TABLE pending (
    jail_id INTEGER PRIMARY KEY REFERENCES jail,
    -- How many changes there were: what was carried out is forgotten only if nothing has changed meanwhile.
    changes INTEGER NOT NULL
) STRICT;
CREATE TRIGGER ban_made AFTER INSERT ON ban BEGIN
    INSERT INTO pending (jail_id, changes) VALUES (new.jail_id, 1)
    ON CONFLICT (jail_id) DO UPDATE SET changes = changes + 1;
END;
CREATE TRIGGER ban_ended AFTER UPDATE ON ban BEGIN
    INSERT INTO pending (jail_id, changes) VALUES (new.jail_id, 1)
    ON CONFLICT (jail_id) DO UPDATE SET changes = changes + 1;
END;
-- The bans in force so far were carried out by nobody.
INSERT INTO pending (jail_id, changes) SELECT DISTINCT jail_id, 1 FROM ban WHERE ended_us IS NULL;

-- What an action that runs commands was told of bans. What a command has done can't be looked at: this is what is known.
CREATE TABLE told (
    jail_id  INTEGER NOT NULL REFERENCES jail,
    -- The action's name in its jail.
    action   TEXT NOT NULL,
    host_id  INTEGER NOT NULL REFERENCES host,
    -- When the ban is over, as the action was told; NULL: permanent.
    until_us INTEGER,
    -- 1: its command was run and went well; 0: it failed, or nobody knows.
    done     INTEGER NOT NULL CHECK (done IN (0, 1)),
    -- How often it failed.
    tries    INTEGER NOT NULL,
    PRIMARY KEY (jail_id, action, host_id)
) WITHOUT ROWID, STRICT;
-- Finds whether anything was told of a host.
CREATE INDEX told_host ON told (host_id);
