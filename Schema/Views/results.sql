-- Everything that steps work on now, and which tomogram, and slice or slab of it, or which training set each scope id
-- means.
CREATE VIEW v_scope AS
SELECT 'tomogram' AS scope, id AS scope_id, id AS tomogram_id, NULL AS z_first, NULL AS z_end, NULL AS training_set
FROM tomogram
UNION ALL
SELECT 'annotation', id, tomogram_id, NULL, NULL, NULL FROM annotation
UNION ALL
SELECT 'slab', id, tomogram_id, z_first, z_end, NULL FROM slab
UNION ALL
SELECT 'slice', id, tomogram_id, z, z + 1, NULL FROM slice
WHERE EXISTS (SELECT 1 FROM slab WHERE slab.tomogram_id = slice.tomogram_id AND z >= z_first AND z < z_end)
UNION ALL
SELECT 'training-set', id, NULL, NULL, NULL, name FROM training_set;

-- The result that stands for each step on each scope, as the last run left it.
CREATE VIEW v_step AS
SELECT
    step.name AS step,
    step.scope AS scope,
    head.scope_id AS scope_id,
    dataset.name AS dataset,
    t.name AS tomogram,
    scope.tomogram_id AS tomogram_id,
    scope.z_first AS z_first,
    scope.z_end AS z_end,
    trace.id AS trace_id,
    trace.run_id AS run_id,
    configuration.step_version AS step_version,
    trace.started_at AS started_at,
    trace.seconds AS seconds,
    ifnull(trace.host, run.host) AS host,
    run.version AS version,
    lower(hex(head.key)) AS key,
    scope.training_set AS training_set,
    trace.job AS job,
    trace.memory_bytes AS memory_bytes
FROM head
JOIN step ON step.id = head.step_id
JOIN trace ON trace.id = head.trace_id
JOIN configuration ON configuration.id = trace.configuration_id
JOIN run ON run.id = trace.run_id
JOIN v_scope AS scope ON scope.scope = step.scope AND scope.scope_id = head.scope_id
LEFT JOIN tomogram AS t ON t.id = scope.tomogram_id
LEFT JOIN dataset ON dataset.id = t.dataset_id;

-- What failed, or was skipped because something before it failed, and has not succeeded since. CROSS JOIN keeps to the order
-- of the tables: troubles are few, and begin.
CREATE VIEW v_failure AS
SELECT
    step.name AS step,
    step.scope AS scope,
    trace.scope_id AS scope_id,
    dataset.name AS dataset,
    t.name AS tomogram,
    scope.tomogram_id AS tomogram_id,
    scope.z_first AS z_first,
    scope.z_end AS z_end,
    trace.status AS status,
    trace.error AS error,
    trace.started_at AS started_at,
    trace.run_id AS run_id,
    scope.training_set AS training_set,
    trace.id AS trace_id,
    ifnull(trace.host, (SELECT host FROM run WHERE run.id = trace.run_id)) AS host,
    trace.job AS job
FROM trace
CROSS JOIN step ON step.id = trace.step_id
CROSS JOIN v_scope AS scope ON scope.scope = step.scope AND scope.scope_id = trace.scope_id
LEFT JOIN tomogram AS t ON t.id = scope.tomogram_id
LEFT JOIN dataset ON dataset.id = t.dataset_id
WHERE trace.status IN ('failed', 'skipped')
    AND NOT EXISTS (
        SELECT 1 FROM trace AS later
        WHERE later.step_id = trace.step_id AND later.scope_id = trace.scope_id AND later.id > trace.id)
    -- An earlier result that was taken up again is a success without a trace of its own.
    AND NOT EXISTS (
        SELECT 1 FROM head
        WHERE head.step_id = trace.step_id AND head.scope_id = trace.scope_id AND head.run_id > trace.run_id);

-- Every execution, of results that stand and of earlier ones.
CREATE VIEW v_trace AS
SELECT
    trace.id AS trace_id,
    trace.run_id AS run_id,
    step.name AS step,
    step.scope AS scope,
    trace.scope_id AS scope_id,
    dataset.name AS dataset,
    t.name AS tomogram,
    scope.tomogram_id AS tomogram_id,
    scope.z_first AS z_first,
    scope.z_end AS z_end,
    scope.training_set AS training_set,
    trace.status AS status,
    trace.started_at AS started_at,
    trace.seconds AS seconds,
    trace.error AS error,
    lower(hex(trace.key)) AS key,
    head.run_id AS standing_run_id,
    ifnull(trace.host, (SELECT host FROM run WHERE run.id = trace.run_id)) AS host,
    trace.job AS job,
    trace.memory_bytes AS memory_bytes
FROM trace
JOIN step ON step.id = trace.step_id
JOIN v_scope AS scope ON scope.scope = step.scope AND scope.scope_id = trace.scope_id
LEFT JOIN head ON head.step_id = trace.step_id AND head.scope_id = trace.scope_id AND head.trace_id = trace.id
LEFT JOIN tomogram AS t ON t.id = scope.tomogram_id
LEFT JOIN dataset ON dataset.id = t.dataset_id;

-- What workers printed.
CREATE VIEW v_log AS
SELECT trace_id, text FROM trace_log;

-- What each trace was computed from: parameters, models and inputs in one list.
CREATE VIEW v_trace_input AS
SELECT trace.id AS trace_id, value.kind AS kind, value.name AS name, value.value AS value, NULL AS digest
FROM trace JOIN configuration_value AS value ON value.configuration_id = trace.configuration_id
UNION ALL
SELECT trace_id, 'input', name, value, lower(hex(digest)) FROM trace_input;

-- Every output of the results that stand: the digest of an artifact, or a value as JSON.
CREATE VIEW v_output AS
SELECT
    step.name AS step,
    step.scope AS scope,
    head.scope_id AS scope_id,
    head.trace_id AS trace_id,
    trace_output.name AS name,
    lower(hex(trace_output.digest)) AS digest,
    trace_output.artifact_id AS artifact_id,
    trace_output.value AS value
FROM head
JOIN step ON step.id = head.step_id
JOIN trace_output ON trace_output.trace_id = head.trace_id;

-- Every artifact that a result gave.
CREATE VIEW v_artifact AS
SELECT
    artifact.id AS id,
    lower(hex(artifact.digest)) AS digest,
    artifact.kind AS kind,
    artifact.bytes AS bytes,
    artifact.evictable AS evictable,
    artifact.state AS state,
    artifact.created_at AS created_at,
    (SELECT count(*) FROM trace_output JOIN head ON head.trace_id = trace_output.trace_id
     WHERE trace_output.artifact_id = artifact.id) AS uses
FROM artifact;
