-- Measurements: what is known of each object, which others are near it, sums over objects, and metrics by class.

-- Objects ----------------------------------------------------------------------------------------------------

ALTER TABLE object ADD COLUMN surface_nm2 REAL CHECK (surface_nm2 > 0);
-- Of a ball of the same volume.
ALTER TABLE object ADD COLUMN diameter_nm REAL CHECK (diameter_nm > 0);
-- The longest axis of the ellipsoid with the same second moments, in middle ones.
ALTER TABLE object ADD COLUMN elongation REAL CHECK (elongation >= 1);
-- Over its voxels, as the tomogram's file has them.
ALTER TABLE object ADD COLUMN density_mean REAL;
-- From its centroid to the nearest voxel of membrane.
ALTER TABLE object ADD COLUMN membrane_distance_angstrom REAL CHECK (membrane_distance_angstrom >= 0);

UPDATE object SET diameter_nm = pow(volume_nm3 * 1.909859317102744, 0.3333333333333333);

-- For each object the nearest other one of each class, by centroids.
CREATE TABLE object_neighbour (
    trace_id INTEGER NOT NULL REFERENCES trace (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    -- Of the neighbour.
    class TEXT NOT NULL CHECK (class <> ''),
    -- Its number.
    neighbour INTEGER NOT NULL CHECK (neighbour <> number),
    distance_angstrom REAL NOT NULL CHECK (distance_angstrom >= 0),
    PRIMARY KEY (trace_id, number, class),
    FOREIGN KEY (trace_id, number) REFERENCES object (trace_id, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- What questions about many objects need of each result, so that they need not look at every object.
CREATE TABLE object_summary (
    trace_id INTEGER NOT NULL REFERENCES trace (id) ON DELETE CASCADE,
    class TEXT NOT NULL CHECK (class <> ''),
    -- A number of v_object, or `nearest/CLASS`: the distance to the nearest other object of a class.
    measure TEXT NOT NULL CHECK (measure <> ''),
    -- Over the objects that have the number.
    count INTEGER NOT NULL CHECK (count >= 1),
    sum REAL NOT NULL,
    sum_of_squares REAL NOT NULL,
    minimum REAL NOT NULL,
    maximum REAL NOT NULL CHECK (maximum >= minimum),
    PRIMARY KEY (trace_id, class, measure)
) STRICT, WITHOUT ROWID;

INSERT INTO object_summary (trace_id, class, measure, count, sum, sum_of_squares, minimum, maximum)
SELECT trace_id, class, 'volume_nm3', count(*), sum(volume_nm3), sum(volume_nm3 * volume_nm3), min(volume_nm3), max(volume_nm3)
FROM object GROUP BY trace_id, class
UNION ALL
SELECT trace_id, class, 'diameter_nm', count(*), sum(diameter_nm), sum(diameter_nm * diameter_nm), min(diameter_nm), max(diameter_nm)
FROM object GROUP BY trace_id, class
UNION ALL
SELECT trace_id, class, 'radius', count(*), sum(radius_angstrom), sum(radius_angstrom * radius_angstrom), min(radius_angstrom),
    max(radius_angstrom)
FROM object WHERE radius_angstrom IS NOT NULL GROUP BY trace_id, class
UNION ALL
SELECT trace_id, class, 'confidence', count(*), sum(confidence), sum(confidence * confidence), min(confidence), max(confidence)
FROM object WHERE confidence IS NOT NULL GROUP BY trace_id, class;

-- Metrics ----------------------------------------------------------------------------------------------------

-- Names of metrics of one class begin with it now: `membrane/fraction`.
UPDATE metric SET name = CASE
    WHEN name GLOB '*_volume_nm3' THEN substr(name, 1, length(name) - 11) || '/volume_nm3'
    WHEN name GLOB '*_fraction' THEN substr(name, 1, length(name) - 9) || '/fraction'
    WHEN name GLOB '*_particles' THEN substr(name, 1, length(name) - 10) || '/objects'
    WHEN name = 'macromolecules' THEN 'macromolecule/objects'
    WHEN name = 'membranes' THEN 'membrane/objects'
    ELSE name
END
WHERE trace_id IN (
    SELECT trace.id FROM trace JOIN step ON step.id = trace.step_id
    WHERE step.name IN ('mask', 'split', 'pseudo-labels', 'segment', 'pick'));

-- `membrane/dice` is the measure `dice` of the class `membrane`; what stands behind the last slash is the measure.
-- rtrim takes away from the end whatever is no slash.
ALTER TABLE metric ADD COLUMN class TEXT
    GENERATED ALWAYS AS (nullif(rtrim(rtrim(name, replace(name, '/', '')), '/'), '')) VIRTUAL;
ALTER TABLE metric ADD COLUMN measure TEXT
    GENERATED ALWAYS AS (substr(name, length(rtrim(name, replace(name, '/', ''))) + 1)) VIRTUAL;
CREATE INDEX metric_measure ON metric (measure, class);

-- Public views (Schema/views.md) -----------------------------------------------------------------------------

DROP VIEW v_object;
DROP VIEW v_metric;
DROP VIEW v_failure;

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
    scope.training_set AS training_set
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
    scope.training_set AS training_set,
    metric.class AS class,
    metric.measure AS measure
FROM metric
JOIN trace ON trace.id = metric.trace_id
JOIN head ON head.trace_id = trace.id
JOIN step ON step.id = head.step_id
JOIN v_scope AS scope ON scope.scope = step.scope AND scope.scope_id = head.scope_id
LEFT JOIN tomogram AS t ON t.id = scope.tomogram_id
LEFT JOIN dataset ON dataset.id = t.dataset_id;

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
    head.run_id AS standing_run_id
FROM trace
JOIN step ON step.id = trace.step_id
JOIN v_scope AS scope ON scope.scope = step.scope AND scope.scope_id = trace.scope_id
LEFT JOIN head ON head.step_id = trace.step_id AND head.scope_id = trace.scope_id AND head.trace_id = trace.id
LEFT JOIN tomogram AS t ON t.id = scope.tomogram_id
LEFT JOIN dataset ON dataset.id = t.dataset_id;

-- Every metric that was ever measured, of results that stand and of earlier ones.
CREATE VIEW v_metric_history AS
SELECT
    step.name AS step,
    step.scope AS scope,
    trace.scope_id AS scope_id,
    dataset.name AS dataset,
    t.name AS tomogram,
    scope.tomogram_id AS tomogram_id,
    scope.z_first AS z_first,
    scope.z_end AS z_end,
    scope.training_set AS training_set,
    trace.id AS trace_id,
    trace.run_id AS run_id,
    EXISTS (SELECT 1 FROM head WHERE head.trace_id = trace.id) AS stands,
    metric.name AS name,
    metric.class AS class,
    metric.measure AS measure,
    metric.value AS value
FROM metric
JOIN trace ON trace.id = metric.trace_id
JOIN step ON step.id = trace.step_id
JOIN v_scope AS scope ON scope.scope = step.scope AND scope.scope_id = trace.scope_id
LEFT JOIN tomogram AS t ON t.id = scope.tomogram_id
LEFT JOIN dataset ON dataset.id = t.dataset_id;

-- Every object of the results that stand. CROSS JOIN, here and in what follows, has SQLite find the scope of a result once and
-- not for each of its objects, and begin with one tomogram where a question is about one.
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
    scope.training_set AS training_set,
    object.surface_nm2 AS surface_nm2,
    object.diameter_nm AS diameter_nm,
    object.elongation AS elongation,
    object.density_mean AS density_mean,
    object.membrane_distance_angstrom AS membrane_distance
FROM step
CROSS JOIN v_scope AS scope ON scope.scope = step.scope
CROSS JOIN head ON head.step_id = step.id AND head.scope_id = scope.scope_id
CROSS JOIN trace ON trace.id = head.trace_id
LEFT JOIN tomogram AS t ON t.id = scope.tomogram_id
LEFT JOIN dataset ON dataset.id = t.dataset_id
CROSS JOIN object ON object.trace_id = trace.id;

-- For every object of the results that stand, the nearest other one of each class.
CREATE VIEW v_neighbour AS
SELECT
    step.name AS step,
    step.scope AS scope,
    head.scope_id AS scope_id,
    dataset.name AS dataset,
    t.name AS tomogram,
    scope.tomogram_id AS tomogram_id,
    trace.run_id AS run_id,
    object.number AS number,
    object.class AS class,
    near.neighbour AS neighbour,
    near.class AS neighbour_class,
    near.distance_angstrom AS distance
FROM step
CROSS JOIN v_scope AS scope ON scope.scope = step.scope
CROSS JOIN head ON head.step_id = step.id AND head.scope_id = scope.scope_id
CROSS JOIN trace ON trace.id = head.trace_id
LEFT JOIN tomogram AS t ON t.id = scope.tomogram_id
LEFT JOIN dataset ON dataset.id = t.dataset_id
CROSS JOIN object ON object.trace_id = trace.id
CROSS JOIN object_neighbour AS near ON near.trace_id = object.trace_id AND near.number = object.number;

-- Sums over the objects of each class, of the results that stand.
CREATE VIEW v_object_summary AS
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
    summary.class AS class,
    summary.measure AS measure,
    summary.count AS count,
    summary.sum AS sum,
    summary.sum_of_squares AS sum_of_squares,
    summary.minimum AS minimum,
    summary.maximum AS maximum
FROM step
CROSS JOIN v_scope AS scope ON scope.scope = step.scope
CROSS JOIN head ON head.step_id = step.id AND head.scope_id = scope.scope_id
CROSS JOIN trace ON trace.id = head.trace_id
LEFT JOIN tomogram AS t ON t.id = scope.tomogram_id
LEFT JOIN dataset ON dataset.id = t.dataset_id
CROSS JOIN object_summary AS summary ON summary.trace_id = trace.id;

-- Every metric of the steps that evaluate, with the networks that gave what was evaluated. The chain goes by digests: from an
-- input of the evaluation to the result that had it as its output, from the network among the inputs of that to the training
-- which it came from. It is looked up once for each evaluation and not for each metric, hence MATERIALIZED.
CREATE VIEW v_evaluation AS
WITH
    evaluated AS MATERIALIZED (
        SELECT
            step.name AS step, step.scope AS scope, head.scope_id AS scope_id, dataset.name AS dataset, t.name AS tomogram,
            t.id AS tomogram_id, head.trace_id AS trace_id, trace.run_id AS run_id
        FROM step
        JOIN head ON head.step_id = step.id
        JOIN trace ON trace.id = head.trace_id
        LEFT JOIN annotation ON step.scope = 'annotation' AND annotation.id = head.scope_id
        LEFT JOIN slab ON step.scope = 'slab' AND slab.id = head.scope_id
        JOIN tomogram AS t ON t.id = CASE step.scope
            WHEN 'tomogram' THEN head.scope_id
            WHEN 'annotation' THEN annotation.tomogram_id
            WHEN 'slab' THEN slab.tomogram_id
        END
        JOIN dataset ON dataset.id = t.dataset_id
        WHERE step.name GLOB 'evaluate*'
    ),
    origin AS MATERIALIZED (
        SELECT
            evaluated.trace_id AS trace_id,
            group_concat(DISTINCT training_set.name) AS training_set,
            group_concat(DISTINCT trainer.name || ':' || lower(substr(hex(network.digest), 1, 12))) AS model,
            max(EXISTS (
                SELECT 1 FROM trace_member
                WHERE trace_member.trace_id = training.id AND trace_member.tomogram_id = evaluated.tomogram_id)) AS trained_on
        FROM evaluated
        CROSS JOIN trace_input AS given ON given.trace_id = evaluated.trace_id
        CROSS JOIN step AS giver
            ON giver.name = substr(given.name, 1, instr(given.name, '.') - 1) AND giver.scope = 'tomogram'
        CROSS JOIN trace AS source ON source.step_id = giver.id AND source.scope_id = evaluated.tomogram_id
        CROSS JOIN trace_output AS gave
            ON gave.trace_id = source.id AND gave.name = substr(given.name, instr(given.name, '.') + 1)
                AND gave.digest = given.digest
        CROSS JOIN trace_input AS network ON network.trace_id = source.id
        CROSS JOIN step AS trainer
            ON trainer.name = substr(network.name, 1, instr(network.name, '.') - 1) AND trainer.scope = 'training-set'
        CROSS JOIN trace AS training ON training.step_id = trainer.id
        CROSS JOIN trace_output AS trained
            ON trained.trace_id = training.id AND trained.name = substr(network.name, instr(network.name, '.') + 1)
                AND trained.digest = network.digest
        LEFT JOIN training_set ON training_set.id = training.scope_id
        GROUP BY evaluated.trace_id
    )
SELECT
    evaluated.dataset AS dataset,
    evaluated.tomogram AS tomogram,
    evaluated.tomogram_id AS tomogram_id,
    evaluated.step AS step,
    evaluated.scope AS scope,
    evaluated.scope_id AS scope_id,
    CASE evaluated.scope WHEN 'annotation' THEN evaluated.scope_id END AS annotation,
    evaluated.run_id AS run_id,
    metric.name AS name,
    metric.class AS class,
    metric.measure AS measure,
    metric.value AS value,
    origin.training_set AS training_set,
    origin.model AS model,
    ifnull(origin.trained_on, 0) AS trained_on
FROM evaluated
LEFT JOIN origin ON origin.trace_id = evaluated.trace_id
CROSS JOIN metric ON metric.trace_id = evaluated.trace_id;
