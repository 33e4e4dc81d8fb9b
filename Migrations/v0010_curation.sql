-- What people say of single particles: that a pick is none (rejected), that it is one (accepted), or that there is one where
-- nothing was picked (added). Positions, not ids of objects, so that nothing is lost when results are computed again.

-- Rows are never changed but for `replaced_by`: the last one at a place counts, and what it replaced counts again when it is
-- removed. Ids are never used again.
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
