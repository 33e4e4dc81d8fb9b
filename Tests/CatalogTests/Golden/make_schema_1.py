"""Makes catalogs/schema-1.sqlite: what make_catalog.sh makes, as the first schema (Migrations/v0001_catalog.sql) has it.

No program of that time is needed: rows are written as SQL.

    python3 Tests/CatalogTests/Golden/make_schema_1.py
"""

import pathlib
import sqlite3

here = pathlib.Path(__file__).parent
path = here / "catalogs" / "schema-1.sqlite"
path.unlink(missing_ok=True)
database = sqlite3.connect(path)
database.executescript("PRAGMA page_size = 512;")
database.executescript((here / "../../../Migrations/v0001_catalog.sql").read_text())
time = "'2026-11-24T00:00:00.000Z'"
digest = [f"x'{number:064x}'" for number in range(8)]
metrics = {
    "size_x": 32, "size_y": 32, "size_z": 16, "header_voxel_size_x": 13.48, "header_voxel_size_y": 13.48,
    "header_voxel_size_z": 13.48, "density_min": -3.5, "density_max": 3.25, "density_mean": 0.125, "density_std": 1.0,
}
database.executescript(f"""
    PRAGMA application_id = {0x43454C52};
    PRAGMA user_version = 1;
    INSERT INTO dataset VALUES (1, 'lab', NULL, {time});
    INSERT INTO tomogram VALUES (1, 1, 'TS_001', '/data/TS_001.mrc', NULL, 'MRC', 'float32', 16, 32, 32, {time});
    INSERT INTO tomogram_meta VALUES (1, 'grid', 'A3');
    INSERT INTO voxel_size_evidence VALUES
        (1, 'header', 13.48, 13.48, 13.48, {time}), (1, 'user', 10, 10, 10, {time});
    INSERT INTO annotation VALUES (1, 1, 'points', '/data/points.csv', NULL, 'angstrom', {digest[1]}, {time});
    INSERT INTO annotation_class VALUES (1, 'ribosome', NULL, 120);
    INSERT INTO annotation_point VALUES
        (1, 0, 100, 110, 20, 'ribosome', NULL), (1, 1, 200, 150, 30, 'ribosome', NULL);
    INSERT INTO slab VALUES (1, 1, 4, 8, {time});
    INSERT INTO slice VALUES (1, 1, 4), (2, 1, 5), (3, 1, 6), (4, 1, 7);
    INSERT INTO recipe VALUES (1, {digest[2]}, '{{}}', {time});
    INSERT INTO run VALUES (1, {time}, {time}, 'done', 'host', 1, '0.1.0', 'run --until describe', 1);
    INSERT INTO step VALUES (1, 'describe', 'tomogram');
    INSERT INTO configuration VALUES (1, 1, 1, {digest[3]});
    INSERT INTO trace VALUES (1, 1, 1, 1, 1, 'done', {digest[4]}, {time}, 0.5, NULL);
    INSERT INTO trace_input VALUES (1, 'voxels', {digest[5]}, NULL);
    INSERT INTO trace_output VALUES (1, 'voxels', {digest[6]}, NULL, '{6:064x}');
    INSERT INTO head VALUES (1, 1, 1, {digest[4]}, {digest[6]}, 1);
    INSERT INTO event VALUES (1, 1, {time}, 'info', 'done');
""")
database.executemany("INSERT INTO metric VALUES (1, ?, ?)", metrics.items())
database.commit()
database.execute("VACUUM")
database.close()
path.chmod(0o644)
print(path, path.stat().st_size)
