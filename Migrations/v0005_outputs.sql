-- What results gave, as a view; and where models come from.

-- As people say it: `Apache-2.0`, `CreativeML Open RAIL-M`.
ALTER TABLE model ADD COLUMN licence TEXT CHECK (licence <> '');
-- Who made it, of what: a sentence or an address.
ALTER TABLE model ADD COLUMN provenance TEXT CHECK (provenance <> '');

DROP VIEW v_model;

CREATE VIEW v_model AS
SELECT id, name, kind, path, lower(hex(digest)) AS digest, added_at, licence, provenance FROM model;

-- Every output of the results that stand: the digest of an artifact, or a value as JSON.
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
