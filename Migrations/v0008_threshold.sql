-- Score maps as labels: voxels of at least the threshold are the annotation's one class, all others ground. NULL where each value of the
-- volume is a label, and for points.

ALTER TABLE annotation ADD COLUMN threshold REAL CHECK (threshold IS NULL OR kind = 'labels');
