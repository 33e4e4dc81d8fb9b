-- Every run.
CREATE VIEW v_run AS
SELECT
    run.id AS id,
    run.started_at AS started_at,
    run.ended_at AS ended_at,
    run.status AS status,
    run.host AS host,
    run.pid AS pid,
    run.version AS version,
    run.command AS command,
    (SELECT count(*) FROM trace WHERE trace.run_id = run.id AND trace.status IN ('done', 'superseded')) AS done,
    (SELECT count(*) FROM trace WHERE trace.run_id = run.id AND trace.status = 'failed') AS failed,
    (SELECT count(*) FROM trace WHERE trace.run_id = run.id AND trace.status = 'skipped') AS skipped
FROM run;

-- What happened beside results.
CREATE VIEW v_event AS
SELECT id, run_id, at, level, message FROM event;
