-- Where an item was computed, where that was not by a thread of the run: its worker's machine, the job of a cluster that it was part of
-- (`1234_5`), and the most memory that the worker had meanwhile.

ALTER TABLE trace ADD COLUMN host TEXT CHECK (host <> '');
ALTER TABLE trace ADD COLUMN job TEXT CHECK (job <> '');
ALTER TABLE trace ADD COLUMN memory_bytes INTEGER CHECK (memory_bytes >= 1);

-- The end of what the worker of an item that failed had printed.
CREATE TABLE trace_log (
    trace_id INTEGER PRIMARY KEY REFERENCES trace (id) ON DELETE CASCADE,
    text TEXT NOT NULL
) STRICT;
