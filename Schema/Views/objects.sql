-- Every object of the results that stand. CROSS JOIN, here and in what follows, has SQLite find the scope of a result once and
-- not for each of its objects, and begin with one tomogram where a question is about one.
CREATE VIEW v_object AS
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
    object.number AS number,
    object.class AS class,
    object.x_angstrom AS x,
    object.y_angstrom AS y,
    object.z_angstrom AS z,
    object.radius_angstrom AS radius,
    object.voxels AS voxels,
    object.volume_nm3 AS volume_nm3,
    object.confidence AS confidence,
    object.x_min_angstrom AS x_min,
    object.x_max_angstrom AS x_max,
    object.y_min_angstrom AS y_min,
    object.y_max_angstrom AS y_max,
    object.z_min_angstrom AS z_min,
    object.z_max_angstrom AS z_max,
    scope.training_set AS training_set,
    object.surface_nm2 AS surface_nm2,
    object.diameter_nm AS diameter_nm,
    object.elongation AS elongation,
    object.density_mean AS density_mean,
    object.membrane_distance_angstrom AS membrane_distance,
    object.uncertainty AS uncertainty,
    object.compartment AS compartment,
    object.kind AS kind,
    kind.name AS kind_name,
    object.kind_certainty AS kind_certainty
FROM step
CROSS JOIN v_scope AS scope ON scope.scope = step.scope
CROSS JOIN head ON head.step_id = step.id AND head.scope_id = scope.scope_id
CROSS JOIN trace ON trace.id = head.trace_id
LEFT JOIN tomogram AS t ON t.id = scope.tomogram_id
LEFT JOIN dataset ON dataset.id = t.dataset_id
CROSS JOIN object ON object.trace_id = trace.id
LEFT JOIN kind ON kind.number = object.kind;

-- For every object of the results that stand, the nearest other one of each class.
CREATE VIEW v_neighbour AS
SELECT
    step.name AS step,
    step.scope AS scope,
    head.scope_id AS scope_id,
    dataset.name AS dataset,
    t.name AS tomogram,
    scope.tomogram_id AS tomogram_id,
    trace.run_id AS run_id,
    object.number AS number,
    object.class AS class,
    near.neighbour AS neighbour,
    near.class AS neighbour_class,
    near.distance_angstrom AS distance
FROM step
CROSS JOIN v_scope AS scope ON scope.scope = step.scope
CROSS JOIN head ON head.step_id = step.id AND head.scope_id = scope.scope_id
CROSS JOIN trace ON trace.id = head.trace_id
LEFT JOIN tomogram AS t ON t.id = scope.tomogram_id
LEFT JOIN dataset ON dataset.id = t.dataset_id
CROSS JOIN object ON object.trace_id = trace.id
CROSS JOIN object_neighbour AS near ON near.trace_id = object.trace_id AND near.number = object.number;

-- Sums over the objects of each class, of the results that stand.
CREATE VIEW v_object_summary AS
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
    summary.class AS class,
    summary.measure AS measure,
    summary.count AS count,
    summary.sum AS sum,
    summary.sum_of_squares AS sum_of_squares,
    summary.minimum AS minimum,
    summary.maximum AS maximum
FROM step
CROSS JOIN v_scope AS scope ON scope.scope = step.scope
CROSS JOIN head ON head.step_id = step.id AND head.scope_id = scope.scope_id
CROSS JOIN trace ON trace.id = head.trace_id
LEFT JOIN tomogram AS t ON t.id = scope.tomogram_id
LEFT JOIN dataset ON dataset.id = t.dataset_id
CROSS JOIN object_summary AS summary ON summary.trace_id = trace.id;

-- Sums over the objects of each class in all results of a step that stand, for each dataset: kept where a run summed them, and else summed now.
CREATE VIEW v_object_total AS
SELECT
    step.name AS step,
    dataset.name AS dataset,
    total.class AS class,
    total.measure AS measure,
    total.count AS n,
    total.sum AS total,
    total.sum_of_squares AS total_of_squares,
    total.minimum AS least,
    total.maximum AS greatest
FROM object_summed AS summed
CROSS JOIN step ON step.id = summed.step_id
CROSS JOIN object_total AS total ON total.step_id = summed.step_id
LEFT JOIN dataset ON dataset.id = total.dataset_id
UNION ALL
SELECT step, dataset, class, measure, sum(count), sum(sum), sum(sum_of_squares), min(minimum), max(maximum)
FROM v_object_summary
WHERE step NOT IN (SELECT step.name FROM object_summed CROSS JOIN step ON step.id = object_summed.step_id)
GROUP BY step, dataset, class, measure;

-- Every compartment of the results that stand: a region that membranes enclose.
CREATE VIEW v_compartment AS
SELECT
    step.name AS step,
    dataset.name AS dataset,
    t.name AS tomogram,
    t.id AS tomogram_id,
    trace.run_id AS run_id,
    object.number AS number,
    object.compartment AS parent,
    enclosure.level AS level,
    enclosure.state AS state,
    enclosure.gap_angstrom AS gap,
    enclosure.open_part AS open_part,
    enclosure.depth_angstrom AS depth,
    enclosure.sphericity AS sphericity,
    object.volume_nm3 AS volume_nm3,
    object.diameter_nm AS diameter_nm,
    object.surface_nm2 AS surface_nm2,
    object.x_angstrom AS x,
    object.y_angstrom AS y,
    object.z_angstrom AS z,
    object.x_min_angstrom AS x_min,
    object.x_max_angstrom AS x_max,
    object.y_min_angstrom AS y_min,
    object.y_max_angstrom AS y_max,
    object.z_min_angstrom AS z_min,
    object.z_max_angstrom AS z_max
FROM step
CROSS JOIN head ON head.step_id = step.id
CROSS JOIN tomogram AS t ON t.id = head.scope_id
LEFT JOIN dataset ON dataset.id = t.dataset_id
CROSS JOIN trace ON trace.id = head.trace_id
CROSS JOIN object_enclosure AS enclosure ON enclosure.trace_id = trace.id
CROSS JOIN object ON object.trace_id = enclosure.trace_id AND object.number = enclosure.number
WHERE step.name = 'compartments' AND step.scope = 'tomogram';

-- Every piece of membrane that was measured, of the results that stand. Å, nm: as in `v_object`.
CREATE VIEW v_membrane AS
SELECT
    step.name AS step,
    dataset.name AS dataset,
    t.name AS tomogram,
    t.id AS tomogram_id,
    trace.run_id AS run_id,
    object.number AS number,
    object.class AS class,
    membrane.area_nm2 AS area_nm2,
    membrane.mean_curvature_per_nm AS mean_curvature,
    membrane.mean_curvature_lower_per_nm AS mean_curvature_lower,
    membrane.mean_curvature_upper_per_nm AS mean_curvature_upper,
    membrane.gaussian_curvature_per_nm2 AS gaussian_curvature,
    membrane.gaussian_curvature_lower_per_nm2 AS gaussian_curvature_lower,
    membrane.gaussian_curvature_upper_per_nm2 AS gaussian_curvature_upper,
    -- Flatter than a sphere of 1 µm is flat.
    CASE WHEN abs(membrane.mean_curvature_per_nm) >= 0.001 THEN 10 / abs(membrane.mean_curvature_per_nm) END AS sphere_radius,
    CASE WHEN abs(membrane.mean_curvature_per_nm) >= 0.001 THEN 5 / abs(membrane.mean_curvature_per_nm) END AS tube_radius,
    CASE WHEN abs(membrane.mean_curvature_per_nm) >= 0.001
        THEN membrane.gaussian_curvature_per_nm2 / (membrane.mean_curvature_per_nm * membrane.mean_curvature_per_nm)
    END AS roundness,
    membrane.roughness_angstrom AS roughness,
    membrane.thickness_angstrom AS thickness,
    membrane.thickness_by AS thickness_by,
    membrane.profile AS profile,
    membrane.profile_step_angstrom AS profile_step,
    membrane.spacing_angstrom AS spacing,
    membrane.spacing_lower_angstrom AS spacing_lower,
    membrane.spacing_upper_angstrom AS spacing_upper,
    membrane.neighboured_part AS neighboured_part,
    membrane.other_part AS other_part,
    membrane.places AS places,
    membrane.curved_places AS curved_places,
    object.volume_nm3 AS volume_nm3,
    object.x_angstrom AS x,
    object.y_angstrom AS y,
    object.z_angstrom AS z
FROM step
CROSS JOIN head ON head.step_id = step.id
CROSS JOIN tomogram AS t ON t.id = head.scope_id
LEFT JOIN dataset ON dataset.id = t.dataset_id
CROSS JOIN trace ON trace.id = head.trace_id
CROSS JOIN object_membrane AS membrane ON membrane.trace_id = trace.id
CROSS JOIN object ON object.trace_id = membrane.trace_id AND object.number = membrane.number
WHERE step.name = 'measure' AND step.scope = 'tomogram';

-- Every kind of particles that was ever found, and what of it there is in the results that stand.
CREATE VIEW v_kind AS
WITH member (kind, objects, tomograms, certainty, diameter_nm) AS (
    SELECT kind, count(*), count(DISTINCT tomogram_id), avg(kind_certainty), avg(diameter_nm)
    FROM v_object
    WHERE step = 'measure-picks' AND kind IS NOT NULL
    GROUP BY kind)
SELECT
    known.number AS number,
    kind.name AS name,
    coalesce(member.objects, 0) AS objects,
    coalesce(member.tomograms, 0) AS tomograms,
    member.certainty AS certainty,
    member.diameter_nm AS diameter_nm,
    kind.found_at AS found_at
FROM (SELECT number FROM kind UNION SELECT kind FROM member) AS known
LEFT JOIN kind ON kind.number = known.number
LEFT JOIN member ON member.kind = known.number;

-- Every particle that was measured, with the compartment in which it lies.
CREATE VIEW v_context AS
SELECT
    object.step AS step,
    object.dataset AS dataset,
    object.tomogram AS tomogram,
    object.tomogram_id AS tomogram_id,
    object.run_id AS run_id,
    object.number AS number,
    object.class AS class,
    object.x AS x,
    object.y AS y,
    object.z AS z,
    object.confidence AS confidence,
    object.compartment AS compartment,
    enclosure.state AS state,
    enclosure.level AS level,
    object.membrane_distance AS membrane_distance,
    CASE WHEN enclosure.level > 0 THEN object.membrane_distance WHEN enclosure.level = 0 THEN -object.membrane_distance END AS depth
FROM v_object AS object
LEFT JOIN step AS finder ON finder.name = 'compartments' AND finder.scope = 'tomogram'
LEFT JOIN head ON head.step_id = finder.id AND head.scope_id = object.tomogram_id
LEFT JOIN object_enclosure AS enclosure ON enclosure.trace_id = head.trace_id AND enclosure.number = object.compartment
    -- Only of the compartments that the particle was looked up in, and not of later ones that have the same numbers.
    AND EXISTS (
        SELECT 1
        FROM step AS measuring
        JOIN head AS measured ON measured.step_id = measuring.id AND measured.scope_id = object.tomogram_id
        JOIN trace_input AS read ON read.trace_id = measured.trace_id AND read.name = 'compartments.map'
        JOIN trace_output AS found ON found.trace_id = head.trace_id AND found.name = 'map' AND found.digest = read.digest
        WHERE measuring.name = object.step AND measuring.scope = 'tomogram')
WHERE object.step = 'measure-picks';
