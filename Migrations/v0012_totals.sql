-- Sums over the objects of whole datasets, so that a question about millions of objects reads some hundred rows. They are made when a run
-- ends, for the steps that are not summed; whatever changes the results of a step, or the dataset of a tomogram, unmakes them in the same
-- transaction (the triggers below). A step that is not summed is asked result by result, so that the answers are the same (v_object_total).

-- The steps whose sums stand.
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
