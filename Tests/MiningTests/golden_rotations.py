"""The golden numbers of SubvolumeAverageTests: quaternions (x, y, z, w) of R, and rot, tilt, psi of RELION.

RELION's angles are those of the transpose of R (which turns the average to the tomogram) as Rz(rot) Ry(tilt) Rz(psi), which SciPy calls intrinsic ZYZ.
    python golden_rotations.py"""
import numpy as np
import scipy
from scipy.spatial.transform import Rotation
print("//", scipy.__version__)
for r in Rotation.random(6, random_state=np.random.default_rng(5)):
    a = r.inv().as_euler("ZYZ", degrees=True)
    if a[1] < 0: a = np.array([a[0] + 180, -a[1], a[2] + 180]); a[[0, 2]] = (a[[0, 2]] + 180) % 360 - 180
    m = r.as_matrix()
    print("(", ", ".join(f"{v:.12f}" for v in [*r.as_quat(), *a, *m.ravel()]), "),")
