-- The schema of an empty catalog, as all migrations together make it; `make schema` writes this file anew.
-- application_id 1128614994, user_version 15

CREATE TABLE dataset (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (name <> '' AND instr(name, '/') = 0),
    -- The voxel size of tomograms about which nothing else is known.
    voxel_size_angstrom REAL CHECK (voxel_size_angstrom > 0),
    created_at TEXT NOT NULL
) STRICT;

CREATE TABLE tomogram_meta (
    tomogram_id INTEGER NOT NULL REFERENCES tomogram (id) ON DELETE CASCADE,
    key TEXT NOT NULL CHECK (key <> ''),
    value TEXT NOT NULL,
    PRIMARY KEY (tomogram_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE annotation_class (
    annotation_id INTEGER NOT NULL REFERENCES annotation (id) ON DELETE CASCADE,
    name TEXT NOT NULL CHECK (name <> ''),
    -- The label value of the class; NULL for points.
    value INTEGER,
    -- The radius of its particles; NULL for labels.
    radius_angstrom REAL CHECK (radius_angstrom > 0),
    PRIMARY KEY (annotation_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE annotation_point (
    annotation_id INTEGER NOT NULL REFERENCES annotation (id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL CHECK (ordinal >= 0),
    x REAL NOT NULL,
    y REAL NOT NULL,
    z REAL NOT NULL,
    class TEXT NOT NULL,
    score REAL,
    PRIMARY KEY (annotation_id, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE slab (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tomogram_id INTEGER NOT NULL REFERENCES tomogram (id) ON DELETE CASCADE,
    -- Slices z_first ..< z_end, 0-based.
    z_first INTEGER NOT NULL CHECK (z_first >= 0),
    z_end INTEGER NOT NULL CHECK (z_end > z_first),
    created_at TEXT NOT NULL,
    UNIQUE (tomogram_id, z_first, z_end)
) STRICT;

CREATE TABLE sqlite_sequence(name,seq);

CREATE TABLE model (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (name <> ''),
    kind TEXT NOT NULL CHECK (kind <> ''),
    path TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    added_at TEXT NOT NULL
, licence TEXT CHECK (licence <> ''), provenance TEXT CHECK (provenance <> '')) STRICT;

CREATE TABLE recipe (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    -- Every parameter with its value, as one JSON object.
    parameters TEXT NOT NULL CHECK (json_valid(parameters)),
    first_used_at TEXT NOT NULL
) STRICT;

CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    status TEXT NOT NULL CHECK (status IN ('running', 'done', 'failed', 'interrupted')),
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    version TEXT NOT NULL,
    command TEXT NOT NULL,
    recipe_id INTEGER NOT NULL REFERENCES recipe (id)
) STRICT;

CREATE TABLE run_lock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    run_id INTEGER NOT NULL REFERENCES run (id),
    owner TEXT NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    heartbeat_at TEXT NOT NULL
) STRICT;

CREATE TABLE configuration (
    id INTEGER PRIMARY KEY,
    step_id INTEGER NOT NULL REFERENCES step (id),
    step_version INTEGER NOT NULL CHECK (step_version >= 1),
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32)
) STRICT;

CREATE TABLE configuration_value (
    configuration_id INTEGER NOT NULL REFERENCES configuration (id),
    kind TEXT NOT NULL CHECK (kind IN ('recipe', 'model')),
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (configuration_id, kind, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE trace (
    id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES run (id),
    step_id INTEGER NOT NULL REFERENCES step (id),
    scope_id INTEGER NOT NULL,
    configuration_id INTEGER NOT NULL REFERENCES configuration (id),
    status TEXT NOT NULL CHECK (status IN ('done', 'superseded', 'failed', 'skipped')),
    -- NULL where an input was not known, so that there was nothing to run.
    key BLOB CHECK (length(key) = 32),
    started_at TEXT NOT NULL,
    seconds REAL NOT NULL CHECK (seconds >= 0),
    error TEXT, host TEXT CHECK (host <> ''), job TEXT CHECK (job <> ''), memory_bytes INTEGER CHECK (memory_bytes >= 1),
    CHECK ((status IN ('failed', 'skipped')) = (error IS NOT NULL)),
    CHECK (status IN ('failed', 'skipped') OR key IS NOT NULL)
) STRICT;

CREATE UNIQUE INDEX trace_key ON trace (key) WHERE status = 'done';

CREATE INDEX trace_scope ON trace (step_id, scope_id, id);

CREATE INDEX trace_run ON trace (run_id, status);

CREATE INDEX trace_trouble ON trace (step_id, scope_id) WHERE status IN ('failed', 'skipped');

CREATE TABLE trace_input (
    trace_id INTEGER NOT NULL REFERENCES trace (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    value TEXT,
    PRIMARY KEY (trace_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE artifact (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    kind TEXT NOT NULL CHECK (kind <> ''),
    bytes INTEGER NOT NULL CHECK (bytes >= 0),
    evictable INTEGER NOT NULL CHECK (evictable IN (0, 1)),
    state TEXT NOT NULL CHECK (state IN ('present', 'evicted')),
    created_at TEXT NOT NULL
) STRICT;

CREATE INDEX artifact_evicted ON artifact (digest) WHERE state = 'evicted';

CREATE TABLE trace_output (
    trace_id INTEGER NOT NULL REFERENCES trace (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    artifact_id INTEGER REFERENCES artifact (id),
    value TEXT,
    PRIMARY KEY (trace_id, name),
    CHECK ((artifact_id IS NULL) <> (value IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX trace_output_artifact ON trace_output (artifact_id) WHERE artifact_id IS NOT NULL;

CREATE TABLE metric (
    trace_id INTEGER NOT NULL REFERENCES trace (id) ON DELETE CASCADE,
    name TEXT NOT NULL CHECK (name <> ''),
    value REAL NOT NULL, class TEXT
    GENERATED ALWAYS AS (nullif(rtrim(rtrim(name, replace(name, '/', '')), '/'), '')) VIRTUAL, measure TEXT
    GENERATED ALWAYS AS (substr(name, length(rtrim(name, replace(name, '/', ''))) + 1)) VIRTUAL,
    PRIMARY KEY (trace_id, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX metric_name ON metric (name, value);

CREATE TABLE head (
    step_id INTEGER NOT NULL REFERENCES step (id),
    scope_id INTEGER NOT NULL,
    trace_id INTEGER NOT NULL REFERENCES trace (id),
    key BLOB NOT NULL CHECK (length(key) = 32),
    -- The digests of the outputs, 32 bytes each, in the order of their names.
    outputs BLOB NOT NULL CHECK (length(outputs) % 32 = 0),
    -- The run that last computed it, or took it up again.
    run_id INTEGER NOT NULL REFERENCES run (id),
    PRIMARY KEY (step_id, scope_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX head_trace ON head (trace_id);

CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    run_id INTEGER REFERENCES run (id),
    at TEXT NOT NULL,
    level TEXT NOT NULL CHECK (level IN ('info', 'warning', 'error')),
    message TEXT NOT NULL
) STRICT;

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
    z_max_angstrom REAL NOT NULL CHECK (z_max_angstrom > z_min_angstrom), surface_nm2 REAL CHECK (surface_nm2 > 0), diameter_nm REAL CHECK (diameter_nm > 0), elongation REAL CHECK (elongation >= 1), density_mean REAL, membrane_distance_angstrom REAL CHECK (membrane_distance_angstrom >= 0), uncertainty REAL CHECK (uncertainty BETWEEN 0 AND 0.5), compartment INTEGER CHECK (compartment >= 1), kind INTEGER CHECK (kind >= 0), kind_certainty REAL CHECK (kind_certainty BETWEEN 0 AND 1),
    PRIMARY KEY (trace_id, number)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE step (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (name <> ''),
    scope TEXT NOT NULL CHECK (scope IN ('tomogram', 'annotation', 'slab', 'slice', 'training-set'))
) STRICT;

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

CREATE INDEX metric_measure ON metric (measure, class);

CREATE TABLE view_definition (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    digest BLOB NOT NULL CHECK (length(digest) = 32)
) STRICT;

CREATE TABLE trace_member (
    trace_id INTEGER NOT NULL REFERENCES trace (id) ON DELETE CASCADE,
    -- As the step declares it: `pseudo-labels.labels`, `annotation`, `voxels`.
    input TEXT NOT NULL,
    -- Of what may be removed since; no other tomogram gets the id.
    tomogram_id INTEGER NOT NULL,
    -- What the tomogram was called: `dataset/name`.
    tomogram TEXT NOT NULL,
    -- What the member is called within its tomogram: `z 100..<200`; empty for the tomogram itself.
    label TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    PRIMARY KEY (trace_id, input, tomogram_id, label)
) STRICT, WITHOUT ROWID;

CREATE INDEX trace_member_voxels ON trace_member (digest) WHERE input = 'voxels';

CREATE INDEX trace_member_tomogram ON trace_member (tomogram_id);

CREATE TABLE tomogram (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    dataset_id INTEGER NOT NULL REFERENCES dataset (id),
    name TEXT NOT NULL CHECK (name <> '' AND instr(name, '/') = 0),
    -- The file or folder, absolute; the part inside it where there is one (a dataset, an array, a volume of a stack).
    path TEXT NOT NULL,
    member TEXT,
    -- What the header said when the tomogram was added.
    format TEXT NOT NULL,
    scalar_type TEXT NOT NULL,
    size_z INTEGER NOT NULL CHECK (size_z >= 1),
    size_y INTEGER NOT NULL CHECK (size_y >= 1),
    size_x INTEGER NOT NULL CHECK (size_x >= 1),
    added_at TEXT NOT NULL,
    UNIQUE (dataset_id, name)
) STRICT;

CREATE INDEX tomogram_name ON tomogram (name);

CREATE UNIQUE INDEX tomogram_source ON tomogram (dataset_id, path, ifnull(member, ''));

CREATE TABLE annotation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tomogram_id INTEGER NOT NULL REFERENCES tomogram (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('labels', 'points')),
    path TEXT NOT NULL,
    member TEXT,
    -- How the points of the file are written (angstrom, voxel, relion5-centered, …); NULL for labels.
    convention TEXT,
    -- The content: the label voxels, or the points and classes.
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    added_at TEXT NOT NULL, author TEXT CHECK (author <> ''), session TEXT CHECK (session <> ''), threshold REAL CHECK (threshold IS NULL OR kind = 'labels'),
    CHECK ((kind = 'points') = (convention IS NOT NULL))
) STRICT;

CREATE UNIQUE INDEX annotation_source ON annotation (tomogram_id, kind, path, ifnull(member, ''));

CREATE TABLE slice (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tomogram_id INTEGER NOT NULL REFERENCES tomogram (id) ON DELETE CASCADE,
    z INTEGER NOT NULL CHECK (z >= 0),
    UNIQUE (tomogram_id, z)
) STRICT;

CREATE TABLE voxel_size_evidence (
    tomogram_id INTEGER NOT NULL REFERENCES tomogram (id) ON DELETE CASCADE,
    -- In the order in which they count: the user; the file's header; a table or document about the file; the name of a folder above it.
    source TEXT NOT NULL CHECK (source IN ('user', 'header', 'metadata', 'folder')),
    x_angstrom REAL NOT NULL CHECK (x_angstrom > 0),
    y_angstrom REAL NOT NULL CHECK (y_angstrom > 0),
    z_angstrom REAL NOT NULL CHECK (z_angstrom > 0),
    noted_at TEXT NOT NULL,
    PRIMARY KEY (tomogram_id, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE curation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tomogram_id INTEGER NOT NULL REFERENCES tomogram (id) ON DELETE CASCADE,
    class TEXT NOT NULL CHECK (class <> ''),
    -- In voxels from the centre of the first one: a voxel size that is mended later moves it with the densities.
    x REAL NOT NULL,
    y REAL NOT NULL,
    z REAL NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('rejected', 'accepted', 'added')),
    -- The confidence of the pick when it was judged; NULL where there was none.
    score REAL,
    -- The name of the user.
    author TEXT NOT NULL CHECK (author <> ''),
    curated_at TEXT NOT NULL,
    -- The later verdict on the same particle; NULL where this one counts.
    replaced_by INTEGER REFERENCES curation (id) ON DELETE SET NULL
) STRICT;

CREATE INDEX curation_standing ON curation (tomogram_id, class) WHERE replaced_by IS NULL;

CREATE INDEX curation_replaced ON curation (replaced_by) WHERE replaced_by IS NOT NULL;

CREATE TABLE trace_log (
    trace_id INTEGER PRIMARY KEY REFERENCES trace (id) ON DELETE CASCADE,
    text TEXT NOT NULL
) STRICT;

CREATE TABLE object_summed (
    step_id INTEGER PRIMARY KEY REFERENCES step (id)
) STRICT;

CREATE TABLE object_total (
    step_id INTEGER NOT NULL REFERENCES step (id),
    -- NULL for what belongs to no tomogram.
    dataset_id INTEGER REFERENCES dataset (id) ON DELETE CASCADE,
    class TEXT NOT NULL CHECK (class <> ''),
    measure TEXT NOT NULL CHECK (measure <> ''),
    count INTEGER NOT NULL CHECK (count >= 1),
    sum REAL NOT NULL,
    sum_of_squares REAL NOT NULL,
    minimum REAL NOT NULL,
    maximum REAL NOT NULL CHECK (maximum >= minimum)
) STRICT;

CREATE UNIQUE INDEX object_total_key ON object_total (step_id, class, measure, dataset_id);

CREATE TRIGGER head_inserted AFTER INSERT ON head BEGIN
    DELETE FROM object_summed WHERE step_id = NEW.step_id;
END;

CREATE TRIGGER head_updated AFTER UPDATE OF trace_id, step_id, scope_id ON head BEGIN
    DELETE FROM object_summed WHERE step_id IN (OLD.step_id, NEW.step_id);
END;

CREATE TRIGGER head_deleted AFTER DELETE ON head BEGIN
    DELETE FROM object_summed WHERE step_id = OLD.step_id;
END;

CREATE TRIGGER object_summary_inserted AFTER INSERT ON object_summary BEGIN
    DELETE FROM object_summed WHERE step_id = (SELECT step_id FROM trace WHERE id = NEW.trace_id);
END;

CREATE TRIGGER tomogram_moved AFTER UPDATE OF dataset_id ON tomogram BEGIN
    DELETE FROM object_summed;
END;

CREATE TRIGGER object_unsummed AFTER DELETE ON object_summed BEGIN
    DELETE FROM object_total WHERE step_id = OLD.step_id;
END;

CREATE TRIGGER step_rescoped AFTER UPDATE OF scope ON step WHEN OLD.scope <> NEW.scope BEGIN
    DELETE FROM object_summed WHERE step_id = NEW.id;
END;

CREATE TABLE object_enclosure (
    trace_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    -- How far membranes enclose it: the surroundings of all others (outer), cut by an edge of the tomogram or of the sample, with a gap (open),
    -- or without one (closed).
    state TEXT NOT NULL CHECK (state IN ('outer', 'cut', 'open', 'closed')),
    -- How many compartments enclose it.
    level INTEGER NOT NULL CHECK (level >= 0),
    -- The diameter of its widest gap; 0 for none.
    gap_angstrom REAL NOT NULL CHECK (gap_angstrom >= 0),
    -- The part of its surface that is gap.
    open_part REAL NOT NULL CHECK (open_part BETWEEN 0 AND 1),
    -- The greatest distance to the nearest membrane; NULL where there is none.
    depth_angstrom REAL CHECK (depth_angstrom >= 0),
    -- The surface of the ball of the same volume, in its own; NULL where an edge cuts it.
    sphericity REAL CHECK (sphericity > 0),
    PRIMARY KEY (trace_id, number),
    FOREIGN KEY (trace_id, number) REFERENCES object (trace_id, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE kind (
    number INTEGER PRIMARY KEY CHECK (number >= 1),
    name TEXT CHECK (name <> ''),
    found_at TEXT NOT NULL
) STRICT;

CREATE TABLE object_membrane (
    trace_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    -- How many places of the centre surface were measured, and how many of them have a curvature.
    places INTEGER NOT NULL CHECK (places >= 1),
    curved_places INTEGER NOT NULL CHECK (curved_places BETWEEN 0 AND places),
    -- Of the centre surface: one side.
    area_nm2 REAL CHECK (area_nm2 > 0),
    -- (k1 + k2) / 2, positive towards the side to which most of the piece bends.
    mean_curvature_per_nm REAL,
    mean_curvature_lower_per_nm REAL,
    mean_curvature_upper_per_nm REAL,
    -- k1 k2.
    gaussian_curvature_per_nm2 REAL,
    gaussian_curvature_lower_per_nm2 REAL,
    gaussian_curvature_upper_per_nm2 REAL,
    -- How far places lie off the smooth surface through them: the root mean square.
    roughness_angstrom REAL CHECK (roughness_angstrom >= 0),
    -- Of the mean density across: the distance of the leaflets, or the width at half of the depth where they are not resolved.
    thickness_angstrom REAL CHECK (thickness_angstrom > 0),
    thickness_by TEXT CHECK (thickness_by IN ('leaflets', 'half depth')),
    -- The mean densities across, a JSON array of which the middle value is at the centre surface; null where none is known.
    profile TEXT CHECK (profile IS NULL OR json_valid(profile)),
    profile_step_angstrom REAL CHECK (profile_step_angstrom > 0),
    -- To the next sheet, and the part of the places that have one; of these, the part whose next sheet is another piece.
    spacing_angstrom REAL CHECK (spacing_angstrom > 0),
    spacing_lower_angstrom REAL CHECK (spacing_lower_angstrom > 0),
    spacing_upper_angstrom REAL CHECK (spacing_upper_angstrom > 0),
    neighboured_part REAL CHECK (neighboured_part BETWEEN 0 AND 1),
    other_part REAL CHECK (other_part BETWEEN 0 AND 1),
    PRIMARY KEY (trace_id, number),
    FOREIGN KEY (trace_id, number) REFERENCES object (trace_id, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE VIEW v_dataset AS
SELECT
    dataset.id AS id,
    dataset.name AS name,
    (SELECT count(*) FROM tomogram WHERE tomogram.dataset_id = dataset.id) AS tomograms,
    dataset.voxel_size_angstrom AS voxel_size,
    dataset.created_at AS created_at
FROM dataset;

CREATE VIEW v_tomogram AS
SELECT
    t.id AS id,
    dataset.name AS dataset,
    t.name AS name,
    t.path AS path,
    t.member AS member,
    t.format AS format,
    t.scalar_type AS scalar_type,
    CAST(ifnull(size_x.value, t.size_x) AS INTEGER) AS size_x,
    CAST(ifnull(size_y.value, t.size_y) AS INTEGER) AS size_y,
    CAST(ifnull(size_z.value, t.size_z) AS INTEGER) AS size_z,
    coalesce(
        user.x_angstrom, added.x_angstrom, header_x.value, metadata.x_angstrom, folder.x_angstrom,
        dataset.voxel_size_angstrom) AS voxel_size,
    coalesce(
        user.y_angstrom, added.y_angstrom, header_y.value, metadata.y_angstrom, folder.y_angstrom,
        dataset.voxel_size_angstrom) AS voxel_size_y,
    coalesce(
        user.z_angstrom, added.z_angstrom, header_z.value, metadata.z_angstrom, folder.z_angstrom,
        dataset.voxel_size_angstrom) AS voxel_size_z,
    CASE
        WHEN user.x_angstrom IS NOT NULL THEN 'user'
        WHEN coalesce(added.x_angstrom, header_x.value) IS NOT NULL THEN 'header'
        WHEN metadata.x_angstrom IS NOT NULL THEN 'metadata'
        WHEN folder.x_angstrom IS NOT NULL THEN 'folder'
        WHEN dataset.voxel_size_angstrom IS NOT NULL THEN 'dataset'
    END AS voxel_size_source,
    coalesce(added.x_angstrom, header_x.value) AS header_voxel_size,
    density_min.value AS density_min,
    density_max.value AS density_max,
    density_mean.value AS density_mean,
    density_std.value AS density_std,
    lower(hex(voxels.digest)) AS voxel_digest,
    (SELECT count(*) FROM slab WHERE slab.tomogram_id = t.id) AS slabs,
    (SELECT count(*) FROM annotation WHERE annotation.tomogram_id = t.id) AS annotations,
    (SELECT json_group_object(key, value) FROM tomogram_meta WHERE tomogram_meta.tomogram_id = t.id) AS meta,
    t.added_at AS added_at,
    metadata.x_angstrom AS metadata_voxel_size,
    folder.x_angstrom AS folder_voxel_size,
    thickness.value AS thickness_nm,
    tilt.value AS tilt_degrees
FROM tomogram AS t
JOIN dataset ON dataset.id = t.dataset_id
LEFT JOIN head AS described
    ON described.step_id = (SELECT id FROM step WHERE name = 'describe') AND described.scope_id = t.id
LEFT JOIN voxel_size_evidence AS user ON user.tomogram_id = t.id AND user.source = 'user'
LEFT JOIN voxel_size_evidence AS added
    ON added.tomogram_id = t.id AND added.source = 'header' AND described.trace_id IS NULL
LEFT JOIN voxel_size_evidence AS metadata ON metadata.tomogram_id = t.id AND metadata.source = 'metadata'
LEFT JOIN voxel_size_evidence AS folder ON folder.tomogram_id = t.id AND folder.source = 'folder'
LEFT JOIN metric AS header_x ON header_x.trace_id = described.trace_id AND header_x.name = 'header_voxel_size_x'
LEFT JOIN metric AS header_y ON header_y.trace_id = described.trace_id AND header_y.name = 'header_voxel_size_y'
LEFT JOIN metric AS header_z ON header_z.trace_id = described.trace_id AND header_z.name = 'header_voxel_size_z'
LEFT JOIN metric AS size_x ON size_x.trace_id = described.trace_id AND size_x.name = 'size_x'
LEFT JOIN metric AS size_y ON size_y.trace_id = described.trace_id AND size_y.name = 'size_y'
LEFT JOIN metric AS size_z ON size_z.trace_id = described.trace_id AND size_z.name = 'size_z'
LEFT JOIN metric AS density_min ON density_min.trace_id = described.trace_id AND density_min.name = 'density_min'
LEFT JOIN metric AS density_max ON density_max.trace_id = described.trace_id AND density_max.name = 'density_max'
LEFT JOIN metric AS density_mean ON density_mean.trace_id = described.trace_id AND density_mean.name = 'density_mean'
LEFT JOIN metric AS density_std ON density_std.trace_id = described.trace_id AND density_std.name = 'density_std'
LEFT JOIN trace_output AS voxels ON voxels.trace_id = described.trace_id AND voxels.name = 'voxels'
LEFT JOIN head AS sample
    ON sample.step_id = (SELECT id FROM step WHERE name = 'sample') AND sample.scope_id = t.id
LEFT JOIN metric AS thickness ON thickness.trace_id = sample.trace_id AND thickness.name = 'sample_thickness_nm'
LEFT JOIN metric AS tilt ON tilt.trace_id = sample.trace_id AND tilt.name = 'sample_tilt_degrees';

CREATE VIEW v_slab AS
SELECT
    slab.id AS id,
    dataset.name AS dataset,
    t.name AS tomogram,
    t.id AS tomogram_id,
    slab.z_first AS z_first,
    slab.z_end AS z_end,
    slab.z_end - slab.z_first AS slices,
    slab.created_at AS created_at
FROM slab
JOIN tomogram AS t ON t.id = slab.tomogram_id
JOIN dataset ON dataset.id = t.dataset_id;

CREATE VIEW v_annotation AS
SELECT
    annotation.id AS id,
    dataset.name AS dataset,
    t.name AS tomogram,
    t.id AS tomogram_id,
    annotation.kind AS kind,
    (SELECT group_concat(name, ', ') FROM annotation_class WHERE annotation_class.annotation_id = annotation.id) AS classes,
    (SELECT count(*) FROM annotation_point WHERE annotation_point.annotation_id = annotation.id) AS points,
    annotation.convention AS convention,
    annotation.path AS path,
    annotation.member AS member,
    lower(hex(annotation.digest)) AS digest,
    annotation.added_at AS added_at,
    annotation.threshold AS threshold,
    annotation.author AS author,
    annotation.session AS session
FROM annotation
JOIN tomogram AS t ON t.id = annotation.tomogram_id
JOIN dataset ON dataset.id = t.dataset_id;

CREATE VIEW v_curation AS
SELECT
    curation.id AS id,
    dataset.name AS dataset,
    t.name AS tomogram,
    t.id AS tomogram_id,
    curation.class AS class,
    curation.x AS x,
    curation.y AS y,
    curation.z AS z,
    curation.verdict AS verdict,
    curation.score AS score,
    curation.author AS author,
    curation.curated_at AS curated_at,
    curation.replaced_by IS NULL AS counts,
    curation.replaced_by AS replaced_by
FROM curation
JOIN tomogram AS t ON t.id = curation.tomogram_id
JOIN dataset ON dataset.id = t.dataset_id;

CREATE VIEW v_model AS
SELECT id, name, kind, path, lower(hex(digest)) AS digest, added_at, licence, provenance FROM model;

CREATE VIEW v_evaluation AS
WITH
    evaluated AS MATERIALIZED (
        SELECT
            step.name AS step, step.scope AS scope, head.scope_id AS scope_id, dataset.name AS dataset, t.name AS tomogram,
            t.id AS tomogram_id, head.trace_id AS trace_id, trace.run_id AS run_id, voxels.digest AS voxels
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
        LEFT JOIN head AS described
            ON described.step_id = (SELECT id FROM step WHERE name = 'describe') AND described.scope_id = t.id
        LEFT JOIN trace_output AS voxels ON voxels.trace_id = described.trace_id AND voxels.name = 'voxels'
        WHERE step.name GLOB 'evaluate*'
    ),
    origin AS MATERIALIZED (
        SELECT
            evaluated.trace_id AS trace_id, evaluated.tomogram_id AS tomogram_id,
            group_concat(DISTINCT training_set.name) AS training_set,
            group_concat(DISTINCT trainer.name || ':' || lower(substr(hex(network.digest), 1, 12))) AS model,
            max(EXISTS (
                SELECT 1 FROM trace_member
                WHERE trace_member.trace_id = training.id AND (
                    trace_member.tomogram_id = evaluated.tomogram_id
                    OR (trace_member.input = 'voxels' AND trace_member.digest IN (evaluated.voxels, seen.digest))))) AS trained_on
        FROM evaluated
        CROSS JOIN trace_input AS given ON given.trace_id = evaluated.trace_id
        CROSS JOIN step AS giver
            ON giver.name = substr(given.name, 1, instr(given.name, '.') - 1) AND giver.scope = 'tomogram'
        -- The plus keeps SQLite from looking at every result of the step for each evaluation: it searches by id.
        CROSS JOIN trace AS source
            ON +source.step_id = giver.id AND source.id IN (
                SELECT id FROM trace WHERE trace.step_id = giver.id AND trace.scope_id = evaluated.tomogram_id
                UNION ALL
                SELECT twin.trace_id FROM artifact
                JOIN trace_output AS twin ON twin.artifact_id = artifact.id
                JOIN trace_input AS twin_voxels ON twin_voxels.trace_id = twin.trace_id AND twin_voxels.name = 'voxels'
                WHERE artifact.digest = given.digest AND twin_voxels.digest = evaluated.voxels)
        CROSS JOIN trace_output AS gave
            ON gave.trace_id = source.id AND gave.name = substr(given.name, instr(given.name, '.') + 1)
                AND gave.digest = given.digest
        LEFT JOIN trace_input AS seen ON seen.trace_id = source.id AND seen.name = 'voxels'
        CROSS JOIN trace_input AS network ON network.trace_id = source.id
        CROSS JOIN step AS trainer
            ON trainer.name = substr(network.name, 1, instr(network.name, '.') - 1) AND trainer.scope = 'training-set'
        CROSS JOIN trace AS training ON training.step_id = trainer.id
        CROSS JOIN trace_output AS trained
            ON trained.trace_id = training.id AND trained.name = substr(network.name, instr(network.name, '.') + 1)
                AND trained.digest = network.digest
        LEFT JOIN training_set ON training_set.id = training.scope_id
        GROUP BY evaluated.trace_id, evaluated.tomogram_id
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
LEFT JOIN origin ON origin.trace_id = evaluated.trace_id AND origin.tomogram_id = evaluated.tomogram_id
CROSS JOIN metric ON metric.trace_id = evaluated.trace_id;

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
    object.membrane_distance_angstrom AS membrane_distance,
    object.uncertainty AS uncertainty,
    object.compartment AS compartment,
    object.kind AS kind,
    kind.name AS kind_name,
    object.kind_certainty AS kind_certainty
FROM step
CROSS JOIN v_scope AS scope ON scope.scope = step.scope
CROSS JOIN head ON head.step_id = step.id AND head.scope_id = scope.scope_id
CROSS JOIN trace ON trace.id = head.trace_id
LEFT JOIN tomogram AS t ON t.id = scope.tomogram_id
LEFT JOIN dataset ON dataset.id = t.dataset_id
CROSS JOIN object ON object.trace_id = trace.id
LEFT JOIN kind ON kind.number = object.kind;

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

CREATE VIEW v_object_total AS
SELECT
    step.name AS step,
    dataset.name AS dataset,
    total.class AS class,
    total.measure AS measure,
    total.count AS n,
    total.sum AS total,
    total.sum_of_squares AS total_of_squares,
    total.minimum AS least,
    total.maximum AS greatest
FROM object_summed AS summed
CROSS JOIN step ON step.id = summed.step_id
CROSS JOIN object_total AS total ON total.step_id = summed.step_id
LEFT JOIN dataset ON dataset.id = total.dataset_id
UNION ALL
SELECT step, dataset, class, measure, sum(count), sum(sum), sum(sum_of_squares), min(minimum), max(maximum)
FROM v_object_summary
WHERE step NOT IN (SELECT step.name FROM object_summed CROSS JOIN step ON step.id = object_summed.step_id)
GROUP BY step, dataset, class, measure;

CREATE VIEW v_compartment AS
SELECT
    step.name AS step,
    dataset.name AS dataset,
    t.name AS tomogram,
    t.id AS tomogram_id,
    trace.run_id AS run_id,
    object.number AS number,
    object.compartment AS parent,
    enclosure.level AS level,
    enclosure.state AS state,
    enclosure.gap_angstrom AS gap,
    enclosure.open_part AS open_part,
    enclosure.depth_angstrom AS depth,
    enclosure.sphericity AS sphericity,
    object.volume_nm3 AS volume_nm3,
    object.diameter_nm AS diameter_nm,
    object.surface_nm2 AS surface_nm2,
    object.x_angstrom AS x,
    object.y_angstrom AS y,
    object.z_angstrom AS z,
    object.x_min_angstrom AS x_min,
    object.x_max_angstrom AS x_max,
    object.y_min_angstrom AS y_min,
    object.y_max_angstrom AS y_max,
    object.z_min_angstrom AS z_min,
    object.z_max_angstrom AS z_max
FROM step
CROSS JOIN head ON head.step_id = step.id
CROSS JOIN tomogram AS t ON t.id = head.scope_id
LEFT JOIN dataset ON dataset.id = t.dataset_id
CROSS JOIN trace ON trace.id = head.trace_id
CROSS JOIN object_enclosure AS enclosure ON enclosure.trace_id = trace.id
CROSS JOIN object ON object.trace_id = enclosure.trace_id AND object.number = enclosure.number
WHERE step.name = 'compartments' AND step.scope = 'tomogram';

CREATE VIEW v_membrane AS
SELECT
    step.name AS step,
    dataset.name AS dataset,
    t.name AS tomogram,
    t.id AS tomogram_id,
    trace.run_id AS run_id,
    object.number AS number,
    object.class AS class,
    membrane.area_nm2 AS area_nm2,
    membrane.mean_curvature_per_nm AS mean_curvature,
    membrane.mean_curvature_lower_per_nm AS mean_curvature_lower,
    membrane.mean_curvature_upper_per_nm AS mean_curvature_upper,
    membrane.gaussian_curvature_per_nm2 AS gaussian_curvature,
    membrane.gaussian_curvature_lower_per_nm2 AS gaussian_curvature_lower,
    membrane.gaussian_curvature_upper_per_nm2 AS gaussian_curvature_upper,
    -- Flatter than a sphere of 1 µm is flat.
    CASE WHEN abs(membrane.mean_curvature_per_nm) >= 0.001 THEN 10 / abs(membrane.mean_curvature_per_nm) END AS sphere_radius,
    CASE WHEN abs(membrane.mean_curvature_per_nm) >= 0.001 THEN 5 / abs(membrane.mean_curvature_per_nm) END AS tube_radius,
    CASE WHEN abs(membrane.mean_curvature_per_nm) >= 0.001
        THEN membrane.gaussian_curvature_per_nm2 / (membrane.mean_curvature_per_nm * membrane.mean_curvature_per_nm)
    END AS roundness,
    membrane.roughness_angstrom AS roughness,
    membrane.thickness_angstrom AS thickness,
    membrane.thickness_by AS thickness_by,
    membrane.profile AS profile,
    membrane.profile_step_angstrom AS profile_step,
    membrane.spacing_angstrom AS spacing,
    membrane.spacing_lower_angstrom AS spacing_lower,
    membrane.spacing_upper_angstrom AS spacing_upper,
    membrane.neighboured_part AS neighboured_part,
    membrane.other_part AS other_part,
    membrane.places AS places,
    membrane.curved_places AS curved_places,
    object.volume_nm3 AS volume_nm3,
    object.x_angstrom AS x,
    object.y_angstrom AS y,
    object.z_angstrom AS z
FROM step
CROSS JOIN head ON head.step_id = step.id
CROSS JOIN tomogram AS t ON t.id = head.scope_id
LEFT JOIN dataset ON dataset.id = t.dataset_id
CROSS JOIN trace ON trace.id = head.trace_id
CROSS JOIN object_membrane AS membrane ON membrane.trace_id = trace.id
CROSS JOIN object ON object.trace_id = membrane.trace_id AND object.number = membrane.number
WHERE step.name = 'measure' AND step.scope = 'tomogram';

CREATE VIEW v_kind AS
WITH member (kind, objects, tomograms, certainty, diameter_nm) AS (
    SELECT kind, count(*), count(DISTINCT tomogram_id), avg(kind_certainty), avg(diameter_nm)
    FROM v_object
    WHERE step = 'measure-picks' AND kind IS NOT NULL
    GROUP BY kind)
SELECT
    known.number AS number,
    kind.name AS name,
    coalesce(member.objects, 0) AS objects,
    coalesce(member.tomograms, 0) AS tomograms,
    member.certainty AS certainty,
    member.diameter_nm AS diameter_nm,
    kind.found_at AS found_at
FROM (SELECT number FROM kind UNION SELECT kind FROM member) AS known
LEFT JOIN kind ON kind.number = known.number
LEFT JOIN member ON member.kind = known.number;

CREATE VIEW v_context AS
SELECT
    object.step AS step,
    object.dataset AS dataset,
    object.tomogram AS tomogram,
    object.tomogram_id AS tomogram_id,
    object.run_id AS run_id,
    object.number AS number,
    object.class AS class,
    object.x AS x,
    object.y AS y,
    object.z AS z,
    object.confidence AS confidence,
    object.compartment AS compartment,
    enclosure.state AS state,
    enclosure.level AS level,
    object.membrane_distance AS membrane_distance,
    CASE WHEN enclosure.level > 0 THEN object.membrane_distance WHEN enclosure.level = 0 THEN -object.membrane_distance END AS depth
FROM v_object AS object
LEFT JOIN step AS finder ON finder.name = 'compartments' AND finder.scope = 'tomogram'
LEFT JOIN head ON head.step_id = finder.id AND head.scope_id = object.tomogram_id
LEFT JOIN object_enclosure AS enclosure ON enclosure.trace_id = head.trace_id AND enclosure.number = object.compartment
    -- Only of the compartments that the particle was looked up in, and not of later ones that have the same numbers.
    AND EXISTS (
        SELECT 1
        FROM step AS measuring
        JOIN head AS measured ON measured.step_id = measuring.id AND measured.scope_id = object.tomogram_id
        JOIN trace_input AS read ON read.trace_id = measured.trace_id AND read.name = 'compartments.map'
        JOIN trace_output AS found ON found.trace_id = head.trace_id AND found.name = 'map' AND found.digest = read.digest
        WHERE measuring.name = object.step AND measuring.scope = 'tomogram')
WHERE object.step = 'measure-picks';

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

CREATE VIEW v_log AS
SELECT trace_id, text FROM trace_log;

CREATE VIEW v_trace_input AS
SELECT trace.id AS trace_id, value.kind AS kind, value.name AS name, value.value AS value, NULL AS digest
FROM trace JOIN configuration_value AS value ON value.configuration_id = trace.configuration_id
UNION ALL
SELECT trace_id, 'input', name, value, lower(hex(digest)) FROM trace_input;

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

CREATE VIEW v_event AS
SELECT id, run_id, at, level, message FROM event;

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
