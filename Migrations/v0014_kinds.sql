-- Kinds: particles that look alike, over the whole collection. A number stays that of its kind when kinds are found again, and is never given twice;
-- people give names, and two kinds of one name are one to them.

CREATE TABLE kind (
    number INTEGER PRIMARY KEY CHECK (number >= 1),
    name TEXT CHECK (name <> ''),
    found_at TEXT NOT NULL
) STRICT;

-- Of a particle: its kind, 0 where it is unlike all kinds that are known; NULL where nothing was said. And how sure that is, 0 to 1.
ALTER TABLE object ADD COLUMN kind INTEGER CHECK (kind >= 0);
ALTER TABLE object ADD COLUMN kind_certainty REAL CHECK (kind_certainty BETWEEN 0 AND 1);
