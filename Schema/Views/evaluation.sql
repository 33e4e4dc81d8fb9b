-- Every metric of the steps that evaluate, with the networks that gave what was evaluated. The chain goes by digests: from an
-- input of the evaluation to the result that had it as its output, from the network among the inputs of that to the training
-- which it came from. That result is the tomogram's own, or was computed from the same voxels under another name. The chain is
-- looked up once for each evaluation and not for each metric, hence MATERIALIZED.
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
