-- When a ban was carried out, so that what its host does afterwards can be told from what led to it: a scan bans by the
-- log's own time, which may be long past.

-- When what keeps its host out was first made equal to it; NULL: not yet.
ALTER TABLE ban ADD COLUMN enforced_us INTEGER;
-- Finds the bans of a jail that are yet to be carried out.
CREATE INDEX ban_unenforced ON ban (jail_id) WHERE enforced_us IS NULL AND ended_us IS NULL;

-- That a ban was carried out is no change that has to be carried out.
DROP TRIGGER ban_ended;
CREATE TRIGGER ban_ended AFTER UPDATE OF until_us, ended_us ON ban BEGIN
    INSERT INTO pending (jail_id, changes) VALUES (new.jail_id, 1)
    ON CONFLICT (jail_id) DO UPDATE SET changes = changes + 1;
END;
