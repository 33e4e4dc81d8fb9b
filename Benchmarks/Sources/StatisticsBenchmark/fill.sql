-- A catalog as ten runs over four thousand tomograms leave it: 1 M metrics, most of them of evaluations, and 5 M objects.

INSERT INTO recipe VALUES (1, randomblob(32), '{}', 't');

WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10)
INSERT INTO run (id, started_at, ended_at, status, host, pid, version, command, recipe_id)
SELECT i, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', 'done', 'h', 1, '0', 'cellar run', 1 FROM n;

WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8)
INSERT INTO dataset SELECT i, 'dataset_' || i, 10, 't' FROM n;

WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
INSERT INTO tomogram
SELECT i, 1 + i % 8, 'tomogram_' || i, '/data/tomogram_' || i || '.mrc', NULL, 'MRC', 'float32', 300, 1000, 1000, 't' FROM n;

-- Every other one has an annotation, and one in thirteen a slab, on which a network was trained.
INSERT INTO annotation (id, tomogram_id, kind, path, member, convention, digest, added_at)
SELECT id, id, 'labels', '/data/labels_' || id || '.mrc', NULL, NULL, randomblob(32), 't' FROM tomogram WHERE id % 2 = 0;
INSERT INTO slab SELECT id / 13, id, 100, 120, 't' FROM tomogram WHERE id % 13 = 0;
WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 119)
INSERT INTO slice (tomogram_id, z) SELECT tomogram_id, i FROM slab, n;
INSERT INTO training_set VALUES (1, 'first', 1, NULL, 't');
INSERT INTO training_set_slab SELECT 1, id FROM slab;

INSERT INTO step VALUES
    (1, 'describe', 'tomogram'), (2, 'calibrate', 'tomogram'), (3, 'segment', 'tomogram'), (4, 'pick', 'tomogram'),
    (5, 'evaluate', 'annotation'), (6, 'evaluate-pseudo-labels', 'annotation'), (7, 'train-membrane', 'training-set'),
    (8, 'mask', 'slice'), (9, 'measure', 'tomogram');
INSERT INTO configuration SELECT id, id, 1, randomblob(32) FROM step;

-- What ran when: evaluations and training in each run, networks over tomograms in the last two.
CREATE TEMP TABLE work (step INTEGER, scope INTEGER, run INTEGER);
INSERT INTO work SELECT 7, 1, id FROM run;
INSERT INTO work SELECT step.id, tomogram.id, 1 FROM step, tomogram WHERE step.id IN (1, 2);
INSERT INTO work SELECT step.id, tomogram.id, 9 + tomogram.id % 2 FROM step, tomogram WHERE step.id IN (3, 4, 9);
INSERT INTO work SELECT step.id, annotation.id, run.id FROM run, step, annotation WHERE step.id IN (5, 6);
INSERT INTO work SELECT 8, id, 1 FROM slice;
INSERT INTO trace (run_id, step_id, scope_id, configuration_id, status, key, started_at, seconds)
SELECT run, step, scope, step, 'done', randomblob(32), '2026-01-01T00:00:00.000Z', 1 + abs(random()) % 1000 / 100.0
FROM work ORDER BY run, step, scope;
INSERT INTO head SELECT step_id, scope_id, max(id), key, zeroblob(0), run_id FROM trace GROUP BY step_id, scope_id;

-- By which networks what was evaluated came about.
INSERT INTO trace_output
SELECT id, CASE step_id WHEN 7 THEN 'network' WHEN 3 THEN 'labels' ELSE 'output' END, randomblob(32), NULL, '""'
FROM trace WHERE step_id IN (1, 2, 3, 4, 7, 9);
INSERT INTO trace_input
SELECT id, 'train-membrane.network', (
    SELECT digest FROM trace_output JOIN trace AS training ON training.id = trace_id
    WHERE training.step_id = 7 AND training.run_id = trace.run_id), NULL
FROM trace WHERE step_id = 3;
INSERT INTO trace_input
SELECT id, 'segment.labels', (
    SELECT digest FROM head JOIN trace_output USING (trace_id) WHERE head.step_id = 3 AND head.scope_id = trace.scope_id), NULL
FROM trace WHERE step_id = 5;
INSERT INTO trace_input SELECT id, 'calibrate.voxel-size', randomblob(32), NULL FROM trace WHERE step_id IN (3, 5, 6);
INSERT INTO trace_input SELECT id, 'annotation', randomblob(32), NULL FROM trace WHERE step_id IN (5, 6);
INSERT INTO trace_member (trace_id, input, tomogram_id, tomogram, label, digest)
SELECT trace.id, 'pseudo-labels.volume', tomogram.id, dataset.name || '/' || tomogram.name, 'z 100..<120', randomblob(32)
FROM trace, slab JOIN tomogram ON tomogram.id = slab.tomogram_id JOIN dataset ON dataset.id = dataset_id WHERE step_id = 7;

CREATE TEMP TABLE named (step INTEGER, name TEXT);
INSERT INTO named VALUES
    (1, 'size_x'), (1, 'size_y'), (1, 'size_z'), (1, 'density_min'), (1, 'density_max'), (1, 'density_mean'), (1, 'density_std'),
    (1, 'non_finite_voxels'), (1, 'header_voxel_size_x'), (1, 'header_voxel_size_y'), (1, 'header_voxel_size_z'),
    (2, 'voxel_size_x'), (2, 'voxel_size_y'), (2, 'voxel_size_z'), (3, 'membrane/fraction'), (3, 'membrane/volume_nm3'),
    (4, 'macromolecule/objects'), (8, 'foreground/fraction');
INSERT INTO named
SELECT step.column1, class.column1 || '/' || measure.column1
FROM (VALUES (5), (6)) AS step, (VALUES ('membrane'), ('macromolecule'), ('filament')) AS class,
    (VALUES ('dice'), ('iou'), ('precision'), ('recall'), ('f1'), ('ap'), ('volume_error'), ('surface_distance')) AS measure;
INSERT INTO metric (trace_id, name, value)
SELECT trace.id, named.name, abs(random() % 1000000) / 1e6 FROM trace JOIN named ON named.step = trace.step_id ORDER BY trace.id;
UPDATE metric SET value = 1000 WHERE name IN ('size_x', 'size_y');
UPDATE metric SET value = 300 WHERE name = 'size_z';
UPDATE metric SET value = 10 WHERE name GLOB '*voxel_size_?';

WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1250)
INSERT INTO object (
    trace_id, number, class, x_angstrom, y_angstrom, z_angstrom, radius_angstrom, voxels, volume_nm3, confidence,
    x_min_angstrom, x_max_angstrom, y_min_angstrom, y_max_angstrom, z_min_angstrom, z_max_angstrom, surface_nm2, diameter_nm,
    elongation, density_mean, membrane_distance_angstrom)
SELECT
    id, i, CASE WHEN i % 50 = 0 THEN 'membrane' WHEN i % 4 = 0 THEN 'filament' ELSE 'macromolecule' END,
    x, y, z, r, v, v, 0.5, x - 50, x + 50, y - 50, y + 50, z - 50, z + 50, r * r / 8, r / 5, 1 + r / 200, x / 1e4, y / 10
FROM (
    SELECT
        trace.id AS id, i, (i * 7919 + trace.id * 10007) % 10000 AS x, (i * 6131 + trace.id * 7703) % 10000 AS y,
        (i * 4409 + trace.id * 911) % 3000 AS z, 60.0 + (i * 31 + trace.id) % 100 AS r, 500 + (i * 2741 + trace.id * 13) % 4000 AS v
    FROM trace, n WHERE trace.step_id = 9);
