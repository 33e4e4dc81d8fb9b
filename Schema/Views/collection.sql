-- Each dataset, and how much is in it.
CREATE VIEW v_dataset AS
SELECT
    dataset.id AS id,
    dataset.name AS name,
    (SELECT count(*) FROM tomogram WHERE tomogram.dataset_id = dataset.id) AS tomograms,
    dataset.voxel_size_angstrom AS voxel_size,
    dataset.created_at AS created_at
FROM dataset;

-- Each tomogram as it is known: what `describe` measured where it has run, what the header said at `add` where not.
CREATE VIEW v_tomogram AS
SELECT
    t.id AS id,
    dataset.name AS dataset,
    t.name AS name,
    t.path AS path,
    t.member AS member,
    t.format AS format,
    t.scalar_type AS scalar_type,
    CAST(ifnull(size_x.value, t.size_x) AS INTEGER) AS size_x,
    CAST(ifnull(size_y.value, t.size_y) AS INTEGER) AS size_y,
    CAST(ifnull(size_z.value, t.size_z) AS INTEGER) AS size_z,
    coalesce(
        user.x_angstrom, added.x_angstrom, header_x.value, metadata.x_angstrom, folder.x_angstrom,
        dataset.voxel_size_angstrom) AS voxel_size,
    coalesce(
        user.y_angstrom, added.y_angstrom, header_y.value, metadata.y_angstrom, folder.y_angstrom,
        dataset.voxel_size_angstrom) AS voxel_size_y,
    coalesce(
        user.z_angstrom, added.z_angstrom, header_z.value, metadata.z_angstrom, folder.z_angstrom,
        dataset.voxel_size_angstrom) AS voxel_size_z,
    CASE
        WHEN user.x_angstrom IS NOT NULL THEN 'user'
        WHEN coalesce(added.x_angstrom, header_x.value) IS NOT NULL THEN 'header'
        WHEN metadata.x_angstrom IS NOT NULL THEN 'metadata'
        WHEN folder.x_angstrom IS NOT NULL THEN 'folder'
        WHEN dataset.voxel_size_angstrom IS NOT NULL THEN 'dataset'
    END AS voxel_size_source,
    coalesce(added.x_angstrom, header_x.value) AS header_voxel_size,
    density_min.value AS density_min,
    density_max.value AS density_max,
    density_mean.value AS density_mean,
    density_std.value AS density_std,
    lower(hex(voxels.digest)) AS voxel_digest,
    (SELECT count(*) FROM slab WHERE slab.tomogram_id = t.id) AS slabs,
    (SELECT count(*) FROM annotation WHERE annotation.tomogram_id = t.id) AS annotations,
    (SELECT json_group_object(key, value) FROM tomogram_meta WHERE tomogram_meta.tomogram_id = t.id) AS meta,
    t.added_at AS added_at,
    metadata.x_angstrom AS metadata_voxel_size,
    folder.x_angstrom AS folder_voxel_size,
    thickness.value AS thickness_nm,
    tilt.value AS tilt_degrees
FROM tomogram AS t
JOIN dataset ON dataset.id = t.dataset_id
LEFT JOIN head AS described
    ON described.step_id = (SELECT id FROM step WHERE name = 'describe') AND described.scope_id = t.id
LEFT JOIN voxel_size_evidence AS user ON user.tomogram_id = t.id AND user.source = 'user'
LEFT JOIN voxel_size_evidence AS added
    ON added.tomogram_id = t.id AND added.source = 'header' AND described.trace_id IS NULL
LEFT JOIN voxel_size_evidence AS metadata ON metadata.tomogram_id = t.id AND metadata.source = 'metadata'
LEFT JOIN voxel_size_evidence AS folder ON folder.tomogram_id = t.id AND folder.source = 'folder'
LEFT JOIN metric AS header_x ON header_x.trace_id = described.trace_id AND header_x.name = 'header_voxel_size_x'
LEFT JOIN metric AS header_y ON header_y.trace_id = described.trace_id AND header_y.name = 'header_voxel_size_y'
LEFT JOIN metric AS header_z ON header_z.trace_id = described.trace_id AND header_z.name = 'header_voxel_size_z'
LEFT JOIN metric AS size_x ON size_x.trace_id = described.trace_id AND size_x.name = 'size_x'
LEFT JOIN metric AS size_y ON size_y.trace_id = described.trace_id AND size_y.name = 'size_y'
LEFT JOIN metric AS size_z ON size_z.trace_id = described.trace_id AND size_z.name = 'size_z'
LEFT JOIN metric AS density_min ON density_min.trace_id = described.trace_id AND density_min.name = 'density_min'
LEFT JOIN metric AS density_max ON density_max.trace_id = described.trace_id AND density_max.name = 'density_max'
LEFT JOIN metric AS density_mean ON density_mean.trace_id = described.trace_id AND density_mean.name = 'density_mean'
LEFT JOIN metric AS density_std ON density_std.trace_id = described.trace_id AND density_std.name = 'density_std'
LEFT JOIN trace_output AS voxels ON voxels.trace_id = described.trace_id AND voxels.name = 'voxels'
LEFT JOIN head AS sample
    ON sample.step_id = (SELECT id FROM step WHERE name = 'sample') AND sample.scope_id = t.id
LEFT JOIN metric AS thickness ON thickness.trace_id = sample.trace_id AND thickness.name = 'sample_thickness_nm'
LEFT JOIN metric AS tilt ON tilt.trace_id = sample.trace_id AND tilt.name = 'sample_tilt_degrees';

-- Each slab that somebody picked.
CREATE VIEW v_slab AS
SELECT
    slab.id AS id,
    dataset.name AS dataset,
    t.name AS tomogram,
    t.id AS tomogram_id,
    slab.z_first AS z_first,
    slab.z_end AS z_end,
    slab.z_end - slab.z_first AS slices,
    slab.created_at AS created_at
FROM slab
JOIN tomogram AS t ON t.id = slab.tomogram_id
JOIN dataset ON dataset.id = t.dataset_id;

-- Each annotation: labels or points that a person made.
CREATE VIEW v_annotation AS
SELECT
    annotation.id AS id,
    dataset.name AS dataset,
    t.name AS tomogram,
    t.id AS tomogram_id,
    annotation.kind AS kind,
    (SELECT group_concat(name, ', ') FROM annotation_class WHERE annotation_class.annotation_id = annotation.id) AS classes,
    (SELECT count(*) FROM annotation_point WHERE annotation_point.annotation_id = annotation.id) AS points,
    annotation.convention AS convention,
    annotation.path AS path,
    annotation.member AS member,
    lower(hex(annotation.digest)) AS digest,
    annotation.added_at AS added_at,
    annotation.threshold AS threshold,
    annotation.author AS author,
    annotation.session AS session
FROM annotation
JOIN tomogram AS t ON t.id = annotation.tomogram_id
JOIN dataset ON dataset.id = t.dataset_id;

-- Each verdict of a person on a particle, also those that a later one replaced.
CREATE VIEW v_curation AS
SELECT
    curation.id AS id,
    dataset.name AS dataset,
    t.name AS tomogram,
    t.id AS tomogram_id,
    curation.class AS class,
    curation.x AS x,
    curation.y AS y,
    curation.z AS z,
    curation.verdict AS verdict,
    curation.score AS score,
    curation.author AS author,
    curation.curated_at AS curated_at,
    curation.replaced_by IS NULL AS counts,
    curation.replaced_by AS replaced_by
FROM curation
JOIN tomogram AS t ON t.id = curation.tomogram_id
JOIN dataset ON dataset.id = t.dataset_id;

-- The models that steps may use. A path without a slash at its beginning is relative to the catalog's folder.
CREATE VIEW v_model AS
SELECT id, name, kind, path, lower(hex(digest)) AS digest, added_at, licence, provenance FROM model;
