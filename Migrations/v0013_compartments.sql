-- Compartments: regions that membranes enclose. They are objects, of the class `compartment`; what they are more than other objects stands in a
-- table of its own. Every object may say in which compartment of its tomogram it lies: a particle, or a compartment within another one.

ALTER TABLE object ADD COLUMN compartment INTEGER CHECK (compartment >= 1);

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
