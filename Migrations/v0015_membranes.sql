-- Membranes by piece: objects of `measure`; what they are more than other objects stands in a table of its own. Numbers are medians over the places
-- of the centre surface, with their quartiles; what cannot be said is NULL.

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
