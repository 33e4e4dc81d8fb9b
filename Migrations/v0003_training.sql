-- Training sets: what networks are trained on, what they were trained on, and how training goes.

-- Ids are never used again, so that a new set cannot be taken for one that was removed.
CREATE TABLE training_set (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE CHECK (name <> '' AND instr(name, '/') = 0),
    -- Whether networks are trained on it now, and steps on tomograms read those.
    is_current INTEGER NOT NULL CHECK (is_current IN (0, 1)),
    -- The expression by which its members were chosen; NULL where all were taken.
    selection TEXT,
    created_at TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX training_set_current ON training_set (is_current) WHERE is_current = 1;

-- Members are chosen once. One that is a member cannot be removed from the catalog.
CREATE TABLE training_set_slab (
    training_set_id INTEGER NOT NULL REFERENCES training_set (id) ON DELETE CASCADE,
    slab_id INTEGER NOT NULL REFERENCES slab (id),
    PRIMARY KEY (training_set_id, slab_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX training_set_slab_member ON training_set_slab (slab_id);

CREATE TABLE training_set_annotation (
    training_set_id INTEGER NOT NULL REFERENCES training_set (id) ON DELETE CASCADE,
    annotation_id INTEGER NOT NULL REFERENCES annotation (id),
    PRIMARY KEY (training_set_id, annotation_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX training_set_annotation_member ON training_set_annotation (annotation_id);

-- A CHECK cannot be changed: the table of steps is made anew. Its rows come back under the same ids before the
-- transaction ends, which is when references to them are looked at. Dropped and made under one name, and not renamed,
-- so that those who refer to it still do.
PRAGMA defer_foreign_keys = ON;
CREATE TEMP TABLE step_before AS SELECT id, name, scope FROM step;
DROP TABLE step;
CREATE TABLE step (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (name <> ''),
    scope TEXT NOT NULL CHECK (scope IN ('tomogram', 'annotation', 'slab', 'slice', 'training-set'))
) STRICT;
INSERT INTO step (id, name, scope) SELECT id, name, scope FROM step_before;
DROP TABLE step_before;

-- What a trace of a training set was computed from: one row for each member of each input.
CREATE TABLE trace_member (
    trace_id INTEGER NOT NULL REFERENCES trace (id) ON DELETE CASCADE,
    -- As the step declares it: `pseudo-labels.volume`, `annotation`.
    input TEXT NOT NULL,
    tomogram_id INTEGER NOT NULL REFERENCES tomogram (id),
    -- What the member is called within its tomogram: `z 100..<200`; empty for the tomogram itself.
    label TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    PRIMARY KEY (trace_id, input, tomogram_id, label)
) STRICT, WITHOUT ROWID;

CREATE INDEX trace_member_tomogram ON trace_member (tomogram_id);

-- What an item logs while it runs, under the key that it runs for.
CREATE TABLE curve (
    id INTEGER PRIMARY KEY,
    step_id INTEGER NOT NULL REFERENCES step (id),
    scope_id INTEGER NOT NULL,
    key BLOB NOT NULL CHECK (length(key) = 32),
    -- The run that last logged a point.
    run_id INTEGER NOT NULL REFERENCES run (id),
    UNIQUE (step_id, scope_id, key)
) STRICT;

CREATE TABLE curve_point (
    curve_id INTEGER NOT NULL REFERENCES curve (id) ON DELETE CASCADE,
    name TEXT NOT NULL CHECK (name <> ''),
    x INTEGER NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (curve_id, name, x)
) STRICT, WITHOUT ROWID;

-- Public views (Schema/views.md) -----------------------------------------------------------------------------

DROP VIEW v_object;
DROP VIEW v_metric;
DROP VIEW v_failure;
DROP VIEW v_step;
DROP VIEW v_scope;

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
    run.host AS host,
    run.version AS version,
    lower(hex(head.key)) AS key,
    scope.training_set AS training_set
FROM head
JOIN step ON step.id = head.step_id
JOIN trace ON trace.id = head.trace_id
JOIN configuration ON configuration.id = trace.configuration_id
JOIN run ON run.id = trace.run_id
JOIN v_scope AS scope ON scope.scope = step.scope AND scope.scope_id = head.scope_id
LEFT JOIN tomogram AS t ON t.id = scope.tomogram_id
LEFT JOIN dataset ON dataset.id = t.dataset_id;

-- What failed, or was skipped because something before it failed, and has not succeeded since.
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
    scope.training_set AS training_set
FROM trace
JOIN step ON step.id = trace.step_id
JOIN v_scope AS scope ON scope.scope = step.scope AND scope.scope_id = trace.scope_id
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

-- Every metric of the results that stand, in long form.
CREATE VIEW v_metric AS
SELECT
    step.name AS step,
    step.scope AS scope,
    head.scope_id AS scope_id,
    dataset.name AS dataset,
    t.name AS tomogram,
    scope.tomogram_id AS tomogram_id,
    scope.z_first AS z_first,
    scope.z_end AS z_end,
    trace.run_id AS run_id,
    metric.name AS name,
    metric.value AS value,
    scope.training_set AS training_set
FROM metric
JOIN trace ON trace.id = metric.trace_id
JOIN head ON head.trace_id = trace.id
JOIN step ON step.id = head.step_id
JOIN v_scope AS scope ON scope.scope = step.scope AND scope.scope_id = head.scope_id
LEFT JOIN tomogram AS t ON t.id = scope.tomogram_id
LEFT JOIN dataset ON dataset.id = t.dataset_id;

-- Every object of the results that stand.
CREATE VIEW v_object AS
SELECT
    step.name AS step,
    step.scope AS scope,
    head.scope_id AS scope_id,
    dataset.name AS dataset,
    t.name AS tomogram,
    scope.tomogram_id AS tomogram_id,
    scope.z_first AS z_first,
    scope.z_end AS z_end,
    trace.run_id AS run_id,
    object.number AS number,
    object.class AS class,
    object.x_angstrom AS x,
    object.y_angstrom AS y,
    object.z_angstrom AS z,
    object.radius_angstrom AS radius,
    object.voxels AS voxels,
    object.volume_nm3 AS volume_nm3,
    object.confidence AS confidence,
    object.x_min_angstrom AS x_min,
    object.x_max_angstrom AS x_max,
    object.y_min_angstrom AS y_min,
    object.y_max_angstrom AS y_max,
    object.z_min_angstrom AS z_min,
    object.z_max_angstrom AS z_max,
    scope.training_set AS training_set
FROM object
JOIN trace ON trace.id = object.trace_id
JOIN head ON head.trace_id = trace.id
JOIN step ON step.id = head.step_id
JOIN v_scope AS scope ON scope.scope = step.scope AND scope.scope_id = head.scope_id
LEFT JOIN tomogram AS t ON t.id = scope.tomogram_id
LEFT JOIN dataset ON dataset.id = t.dataset_id;

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

-- What the standing result of each step on a training set was trained on.
CREATE VIEW v_trained_on AS
SELECT
    training_set.name AS training_set,
    step.name AS step,
    head.trace_id AS trace_id,
    dataset.name AS dataset,
    t.name AS tomogram,
    t.id AS tomogram_id,
    trace_member.input AS input,
    trace_member.label AS member,
    lower(hex(trace_member.digest)) AS digest
FROM trace_member
JOIN head ON head.trace_id = trace_member.trace_id
JOIN step ON step.id = head.step_id AND step.scope = 'training-set'
JOIN training_set ON training_set.id = head.scope_id
JOIN tomogram AS t ON t.id = trace_member.tomogram_id
JOIN dataset ON dataset.id = t.dataset_id;

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
