-- From version 1 or 2 to 3: bans say how long they last and the how many-th they are. -2: not known.
ALTER TABLE bans ADD COLUMN bantime INTEGER NOT NULL DEFAULT -2;
ALTER TABLE bans ADD COLUMN bancount INTEGER NOT NULL DEFAULT 1;
