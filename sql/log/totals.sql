-- How much is stored: logs, lines, matches, failures, hosts, bans. One row.
-- Scans log and block, which are small, and host and ban, each by its smallest index.
SELECT
    (SELECT count(*) FROM log), (SELECT ifnull(sum(lines), 0) FROM log),
    (SELECT ifnull(sum(matches), 0) FROM block), (SELECT ifnull(sum(failures), 0) FROM block),
    (SELECT count(*) FROM host), (SELECT count(*) FROM ban);
