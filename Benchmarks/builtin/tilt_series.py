"""Tilt images of a volume of density, and tomograms from them: the microscope of third_simulator.py. Needs numpy 2.4.6, scipy 1.17.1."""

import numpy as np
from scipy import ndimage, sparse

# Voxels beyond each side of a tomogram in x and y, in which there is density too.
MARGIN = 16
# The phase in rad that 1 Å of protein gives to electrons of 300 kV: it has some 2 V more than ice.
PHASE = 2.0 * 6.53e-4
# Å, Å, and a part of 1.
WAVELENGTH, ABERRATION, AMPLITUDE = 0.0197, 2.7e7, 0.07


class Microscope:
    """Tilt images of a scene about y, and tomograms from them. What is drawn depends on `random` only."""

    def __init__(self, random, shape, voxel):
        self.random, self.voxel, (self.depth, self.height, self.width) = random, voxel, shape
        last, step = random.choice([50.0, 56.0, 60.0]), random.choice([2.0, 3.0])
        self.tilts = np.arange(-last, last + 0.1, step)
        count = len(self.tilts)
        self.errors = {
            "tilt": random.normal(0, 0.2, count), "turn": random.normal(0, 0.15, count), "shift": random.normal(0, 5.0, (count, 2))}
        self.defocus = random.uniform(25_000, 55_000) + random.normal(0, 300, count)
        self.astigmatism, self.axis = random.normal(0, 400), random.uniform(0, np.pi)
        self.is_flipped = bool(random.random() < 0.5)
        order = np.argsort(np.argsort(np.abs(self.tilts), kind="stable"))
        # Electrons for each Å² before the image, of 100 in all.
        self.exposure = 100 * (order + 0.5) / count
        ky, kx = np.meshgrid(np.fft.fftfreq(self.height, voxel), np.fft.rfftfreq(self.width, voxel), indexing="ij")
        self.k, self.angle = np.hypot(ky, kx), np.arctan2(ky, kx)
        across = kx * voxel
        self.weight = across * np.where(across < 0.4, 1, np.cos(np.pi * (across - 0.4) / 0.2) ** 2) + 0.2 / self.width * (kx == 0)

    def _matrix(self, degrees, columns, mirrored):
        """What voxels (z, x) give to the pixels of a line of the detector, linearly interpolated: `[u, z·x]`."""
        cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        middle = (columns - 1) / 2
        reach = int(np.ceil((self.width / 2 + self.depth / 2 * abs(sine)) / cosine)) + 1 if mirrored else columns // 2 + 1
        x = np.arange(int(middle) - reach, int(middle) + reach + 1) if mirrored else np.arange(columns)
        z = np.arange(self.depth) - (self.depth - 1) / 2
        u = (x - middle)[None] * cosine + z[:, None] * sine + (self.width - 1) / 2
        folded = np.mod(x, 2 * columns)
        folded = np.where(folded < columns, folded, 2 * columns - 1 - folded)
        voxels = np.broadcast_to(np.arange(self.depth)[:, None] * columns + folded[None], u.shape)
        first = np.floor(u).astype(int)
        rows = np.stack([first, first + 1])
        values = np.stack([1 - (u - first), u - first]).astype(np.float32)
        seen = (rows >= 0) & (rows < self.width)
        return sparse.csr_matrix(
            (values[seen], (rows[seen], np.stack([voxels, voxels])[seen])), (self.width, self.depth * columns))

    def transfer(self, tilt):
        k2 = self.k**2
        defocus = self.defocus[tilt] + self.astigmatism * np.cos(2 * (self.angle - self.axis))
        return np.sin(np.pi * WAVELENGTH * defocus * k2 - np.pi / 2 * ABERRATION * WAVELENGTH**3 * k2**2 + np.arcsin(AMPLITUDE))

    def images(self, density):
        """Relative numbers of electrons, `[tilt][y][x]`: 1 where there is ice alone; dense is dark."""
        flat = np.ascontiguousarray(density.transpose(0, 2, 1)).reshape(-1, self.height)
        found = []
        for tilt, degrees in enumerate(self.tilts):
            projection = (self._matrix(degrees + self.errors["tilt"][tilt], self.width, True) @ flat).T * (self.voxel * PHASE)
            projection = projection - projection.mean()
            # Signal of 1/k Å fades by half of this many electrons.
            critical = 0.245 * np.maximum(self.k, 1e-4) ** -1.665 + 2.81
            envelope = np.exp(-150 / 4 * self.k**2 - self.exposure[tilt] / (2 * critical))
            image = 1 - np.fft.irfft2(np.fft.rfft2(projection) * 2 * self.transfer(tilt) * envelope, s=projection.shape)
            turn = np.radians(self.errors["turn"][tilt])
            matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
            middle = (np.array(image.shape) - 1) / 2
            offset = middle - matrix @ middle + self.errors["shift"][tilt] / self.voxel
            found.append(ndimage.affine_transform(image, matrix, offset, order=3, mode="nearest"))
        return np.maximum(np.array(found), 0.02).astype(np.float32)

    def reconstruction(self, images):
        """The weighted back-projection without the margin, float32 `[z][y][x]`."""
        columns = self.width - 2 * MARGIN
        volume = np.zeros((self.depth * columns, self.height - 2 * MARGIN), np.float32)
        for tilt, degrees in enumerate(self.tilts):
            spectrum = np.fft.rfft2(images[tilt]) * self.weight
            if self.is_flipped:
                spectrum *= np.sign(self.transfer(tilt))
            line = np.fft.irfft2(spectrum, s=images[tilt].shape)[MARGIN:-MARGIN].T.astype(np.float32)
            volume += self._matrix(degrees, columns, False).T @ np.ascontiguousarray(line)
        return np.ascontiguousarray(volume.reshape(self.depth, columns, -1).transpose(0, 2, 1))

    def electrons(self, images, random, dose):
        """Counts in units of the dose (electrons a pixel and image), minus what was expected of them."""
        thickness = 0.6 / np.cos(np.radians(self.tilts))[:, None, None]
        expected = dose * np.exp(-thickness) * images
        counts = random.poisson(expected) + random.normal(0, 0.3, images.shape)
        return ((counts - expected) / (dose * np.exp(-thickness))).astype(np.float32)
