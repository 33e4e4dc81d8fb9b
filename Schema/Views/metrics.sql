-- Every metric of the results that stand, in long form.
CREATE VIEW v_metric AS
SELECT
    step.name AS step,
    step.scope AS scope,
    head.scope_id AS scope_id,
    dataset.name AS dataset,
    t.name AS tomogram,
    scope.tomogram_id AS tomogram_id,
    scope.z_first AS z_first,
    scope.z_end AS z_end,
    trace.run_id AS run_id,
    metric.name AS name,
    metric.value AS value,
    scope.training_set AS training_set,
    metric.class AS class,
    metric.measure AS measure
FROM metric
JOIN trace ON trace.id = metric.trace_id
JOIN head ON head.trace_id = trace.id
JOIN step ON step.id = head.step_id
JOIN v_scope AS scope ON scope.scope = step.scope AND scope.scope_id = head.scope_id
LEFT JOIN tomogram AS t ON t.id = scope.tomogram_id
LEFT JOIN dataset ON dataset.id = t.dataset_id;

-- Every metric that was ever measured, of results that stand and of earlier ones.
CREATE VIEW v_metric_history AS
SELECT
    step.name AS step,
    step.scope AS scope,
    trace.scope_id AS scope_id,
    dataset.name AS dataset,
    t.name AS tomogram,
    scope.tomogram_id AS tomogram_id,
    scope.z_first AS z_first,
    scope.z_end AS z_end,
    scope.training_set AS training_set,
    trace.id AS trace_id,
    trace.run_id AS run_id,
    EXISTS (SELECT 1 FROM head WHERE head.trace_id = trace.id) AS stands,
    metric.name AS name,
    metric.class AS class,
    metric.measure AS measure,
    metric.value AS value
FROM metric
JOIN trace ON trace.id = metric.trace_id
JOIN step ON step.id = trace.step_id
JOIN v_scope AS scope ON scope.scope = step.scope AND scope.scope_id = trace.scope_id
LEFT JOIN tomogram AS t ON t.id = scope.tomogram_id
LEFT JOIN dataset ON dataset.id = t.dataset_id;
