-- When the time of the next ban is over that nobody has ended. One row: µs or NULL. Counts on ban_open.
SELECT min(until_us) FROM ban WHERE ended_us IS NULL;
