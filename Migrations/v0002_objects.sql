-- Things that steps find in tomograms, one row each: particles, pieces of membrane.

CREATE TABLE object (
    trace_id INTEGER NOT NULL REFERENCES trace (id) ON DELETE CASCADE,
    -- Its value in the label volume that the trace gave.
    number INTEGER NOT NULL CHECK (number >= 1),
    class TEXT NOT NULL CHECK (class <> ''),
    -- The centroid, from the corner of the first voxel's centre as every point in the catalog.
    x_angstrom REAL NOT NULL,
    y_angstrom REAL NOT NULL,
    z_angstrom REAL NOT NULL,
    -- Of particles; NULL for what is no ball.
    radius_angstrom REAL CHECK (radius_angstrom > 0),
    voxels INTEGER NOT NULL CHECK (voxels >= 1),
    volume_nm3 REAL NOT NULL CHECK (volume_nm3 > 0),
    -- 0 to 1; NULL where the step gives none.
    confidence REAL CHECK (confidence BETWEEN 0 AND 1),
    -- The box that encloses it, to the outer faces of its voxels.
    x_min_angstrom REAL NOT NULL,
    x_max_angstrom REAL NOT NULL CHECK (x_max_angstrom > x_min_angstrom),
    y_min_angstrom REAL NOT NULL,
    y_max_angstrom REAL NOT NULL CHECK (y_max_angstrom > y_min_angstrom),
    z_min_angstrom REAL NOT NULL,
    z_max_angstrom REAL NOT NULL CHECK (z_max_angstrom > z_min_angstrom),
    PRIMARY KEY (trace_id, number)
) STRICT, WITHOUT ROWID;

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
    object.z_max_angstrom AS z_max
FROM object
JOIN trace ON trace.id = object.trace_id
JOIN head ON head.trace_id = trace.id
JOIN step ON step.id = head.step_id
JOIN v_scope AS scope ON scope.scope = step.scope AND scope.scope_id = head.scope_id
JOIN tomogram AS t ON t.id = scope.tomogram_id
JOIN dataset ON dataset.id = t.dataset_id;
