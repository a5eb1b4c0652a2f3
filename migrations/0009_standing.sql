-- Whoever asks for the bans of one jail is not to read those of all others for that.

-- Finds the bans of a jail that nobody has ended, and among them those that are yet to be carried out.
CREATE INDEX ban_standing ON ban (jail_id, enforced_us) WHERE ended_us IS NULL;
DROP INDEX ban_unenforced;
