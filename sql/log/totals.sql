-- How much is stored: logs, lines, matches, failures, hosts, bans. One row.
-- Scans everything, each by its smallest index.
SELECT
    (SELECT count(*) FROM log), (SELECT count(*) FROM line), (SELECT count(*) FROM match),
    (SELECT count(*) FROM failure), (SELECT count(*) FROM host), (SELECT count(*) FROM ban);
