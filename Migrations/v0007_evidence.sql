-- What a collection's folders and metadata say about voxel sizes, and who made an annotation.

-- The CHECK is widened: the table is made anew. It has no dependants.
CREATE TEMP TABLE voxel_size_evidence_before AS SELECT * FROM voxel_size_evidence;
DROP TABLE voxel_size_evidence;
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
INSERT INTO voxel_size_evidence SELECT * FROM voxel_size_evidence_before;
DROP TABLE voxel_size_evidence_before;

-- Who made an annotation, as the collection that it comes from says it; NULL where nobody does.
ALTER TABLE annotation ADD COLUMN author TEXT CHECK (author <> '');
-- One of the author's several tries, as copick counts them.
ALTER TABLE annotation ADD COLUMN session TEXT CHECK (session <> '');
