-- Each training set, and how much it holds.
CREATE VIEW v_training_set AS
SELECT
    training_set.id AS id,
    training_set.name AS name,
    training_set.is_current AS is_current,
    (SELECT count(*) FROM training_set_slab WHERE training_set_id = training_set.id) AS slabs,
    (SELECT count(*) FROM training_set_annotation WHERE training_set_id = training_set.id) AS annotations,
    (SELECT count(*) FROM (
        SELECT tomogram_id FROM training_set_slab JOIN slab ON slab.id = slab_id WHERE training_set_id = training_set.id
        UNION
        SELECT tomogram_id FROM training_set_annotation JOIN annotation ON annotation.id = annotation_id
        WHERE training_set_id = training_set.id)) AS tomograms,
    training_set.created_at AS created_at,
    training_set.selection AS selection
FROM training_set;

-- What a training set holds: slabs, or annotations, or both.
CREATE VIEW v_training_member AS
SELECT
    training_set.name AS training_set,
    'slab' AS kind,
    dataset.name AS dataset,
    t.name AS tomogram,
    t.id AS tomogram_id,
    slab.id AS scope_id,
    slab.z_first AS z_first,
    slab.z_end AS z_end
FROM training_set
JOIN training_set_slab AS member ON member.training_set_id = training_set.id
JOIN slab ON slab.id = member.slab_id
JOIN tomogram AS t ON t.id = slab.tomogram_id
JOIN dataset ON dataset.id = t.dataset_id
UNION ALL
SELECT training_set.name, 'annotation', dataset.name, t.name, t.id, annotation.id, NULL, NULL
FROM training_set
JOIN training_set_annotation AS member ON member.training_set_id = training_set.id
JOIN annotation ON annotation.id = member.annotation_id
JOIN tomogram AS t ON t.id = annotation.tomogram_id
JOIN dataset ON dataset.id = t.dataset_id;

-- What the standing result of each step on a training set was trained on.
CREATE VIEW v_trained_on AS
SELECT
    training_set.name AS training_set,
    step.name AS step,
    head.trace_id AS trace_id,
    -- What it is called now; of one that was removed, what it was called then.
    ifnull(dataset.name, substr(trace_member.tomogram, 1, instr(trace_member.tomogram, '/') - 1)) AS dataset,
    ifnull(t.name, substr(trace_member.tomogram, instr(trace_member.tomogram, '/') + 1)) AS tomogram,
    trace_member.tomogram_id AS tomogram_id,
    trace_member.input AS input,
    trace_member.label AS member,
    lower(hex(trace_member.digest)) AS digest
FROM trace_member
JOIN head ON head.trace_id = trace_member.trace_id
JOIN step ON step.id = head.step_id AND step.scope = 'training-set'
JOIN training_set ON training_set.id = head.scope_id
LEFT JOIN tomogram AS t ON t.id = trace_member.tomogram_id
LEFT JOIN dataset ON dataset.id = t.dataset_id;

-- The points of every curve, also of items that run now.
CREATE VIEW v_curve AS
SELECT
    step.name AS step,
    step.scope AS scope,
    curve.scope_id AS scope_id,
    scope.training_set AS training_set,
    dataset.name AS dataset,
    t.name AS tomogram,
    scope.tomogram_id AS tomogram_id,
    lower(hex(curve.key)) AS key,
    curve_point.name AS name,
    curve_point.x AS x,
    curve_point.value AS value,
    CASE
        WHEN head.key = curve.key THEN 'standing'
        -- Of an item that failed, the run may go on.
        WHEN run.status = 'running' AND NOT EXISTS (
            SELECT 1 FROM trace
            WHERE trace.step_id = curve.step_id AND trace.scope_id = curve.scope_id AND trace.run_id = curve.run_id
                AND trace.key = curve.key AND trace.status = 'failed') THEN 'running'
        ELSE 'earlier'
    END AS state
FROM curve
JOIN curve_point ON curve_point.curve_id = curve.id
JOIN step ON step.id = curve.step_id
JOIN run ON run.id = curve.run_id
JOIN v_scope AS scope ON scope.scope = step.scope AND scope.scope_id = curve.scope_id
LEFT JOIN head ON head.step_id = curve.step_id AND head.scope_id = curve.scope_id
LEFT JOIN tomogram AS t ON t.id = scope.tomogram_id
LEFT JOIN dataset ON dataset.id = t.dataset_id;
