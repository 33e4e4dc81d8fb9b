-- What is removed: ids that are never used again, and members of trainings that outlive their tomogram. Views are not made
-- here any more (Schema/Views): they are dropped, since they stand on tables that are made anew, and come back when the catalog is opened.

DROP VIEW v_tomogram;
DROP VIEW v_slab;
DROP VIEW v_annotation;
DROP VIEW v_model;
DROP VIEW v_scope;
DROP VIEW v_step;
DROP VIEW v_failure;
DROP VIEW v_trace;
DROP VIEW v_trace_input;
DROP VIEW v_output;
DROP VIEW v_artifact;
DROP VIEW v_run;
DROP VIEW v_event;
DROP VIEW v_metric;
DROP VIEW v_metric_history;
DROP VIEW v_object;
DROP VIEW v_neighbour;
DROP VIEW v_object_summary;
DROP VIEW v_training_set;
DROP VIEW v_training_member;
DROP VIEW v_trained_on;
DROP VIEW v_curve;
DROP VIEW v_evaluation;

-- Which text the views were made from. One row.
CREATE TABLE view_definition (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    digest BLOB NOT NULL CHECK (length(digest) = 32)
) STRICT;

-- A training keeps its members where their tomogram is removed: what it has seen, it has seen.
CREATE TEMP TABLE trace_member_before AS
SELECT trace_id, input, tomogram_id, dataset.name || '/' || tomogram.name AS tomogram, label, digest
FROM trace_member
JOIN tomogram ON tomogram.id = tomogram_id
JOIN dataset ON dataset.id = dataset_id;
DROP TABLE trace_member;
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
INSERT INTO trace_member SELECT * FROM trace_member_before;
DROP TABLE trace_member_before;

-- Which trainings have seen some voxels, under whatever name.
CREATE INDEX trace_member_voxels ON trace_member (digest) WHERE input = 'voxels';
CREATE INDEX trace_member_tomogram ON trace_member (tomogram_id);

-- AUTOINCREMENT, so that no tomogram or annotation can be taken for one that was removed. Foreign keys are off while a
-- migration runs, and checked at its end.
CREATE TEMP TABLE tomogram_before AS SELECT * FROM tomogram;
DROP TABLE tomogram;
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
INSERT INTO tomogram SELECT * FROM tomogram_before;
DROP TABLE tomogram_before;
CREATE INDEX tomogram_name ON tomogram (name);
CREATE UNIQUE INDEX tomogram_source ON tomogram (dataset_id, path, ifnull(member, ''));

CREATE TEMP TABLE annotation_before AS SELECT * FROM annotation;
DROP TABLE annotation;
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
    added_at TEXT NOT NULL,
    CHECK ((kind = 'points') = (convention IS NOT NULL))
) STRICT;
INSERT INTO annotation SELECT * FROM annotation_before;
DROP TABLE annotation_before;
CREATE UNIQUE INDEX annotation_source ON annotation (tomogram_id, kind, path, ifnull(member, ''));

-- Slices are found again by tomogram and z, and a tomogram that was removed takes its slices along: their ids, too, are never used again.
CREATE TEMP TABLE slice_before AS SELECT * FROM slice;
DROP TABLE slice;
CREATE TABLE slice (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tomogram_id INTEGER NOT NULL REFERENCES tomogram (id) ON DELETE CASCADE,
    z INTEGER NOT NULL CHECK (z >= 0),
    UNIQUE (tomogram_id, z)
) STRICT;
INSERT INTO slice SELECT * FROM slice_before;
DROP TABLE slice_before;

-- A model in the catalog's own folder is found there wherever that folder is: its path is relative to it.
UPDATE model
SET path = substr(path, length(folder) + 1)
FROM (
    -- rtrim takes away from the end whatever is no slash.
    SELECT rtrim(file, replace(file, '/', '')) AS folder FROM pragma_database_list WHERE name = 'main')
WHERE folder <> '' AND substr(path, 1, length(folder)) = folder;
