-- How far networks, and copies of blocks, differ about an object: the standard deviation of the probability of its class, of a particle in its
-- centre, of a piece the mean over its voxels. NULL where there is one opinion only.

ALTER TABLE object ADD COLUMN uncertainty REAL CHECK (uncertainty BETWEEN 0 AND 0.5);
