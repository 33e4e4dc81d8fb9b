/// The columns that a table of points can have, by all the names that are met for them.
enum PointColumn: CaseIterable {
    case x, y, z, rot, tilt, psi, className, tomogramName, instance, score, radius

    /// In lower case, without units.
    private static let names: [String: PointColumn] = {
        var names: [String: PointColumn] = [:]
        for (column, letter) in [(Self.x, "x"), (.y, "y"), (.z, "z")] {
            for pattern in [
                "*", "location_*", "location.*", "location-*", "centroid_*", "centroid-*", "center_*", "centre_*", "coord_*",
                "coordinate_*", "coordinate*", "*_coord", "*coord", "*_coordinate", "pos_*", "position_*", "*_pos", "*_position",
            ] {
                names[pattern.replacing("*", with: letter)] = column
            }
        }
        let others: [(PointColumn, [String])] = [
            (.rot, ["rot", "angle_rot"]), (.tilt, ["tilt", "angle_tilt"]), (.psi, ["psi", "angle_psi"]),
            (
                .className,
                ["class", "class_name", "classname", "label", "particle_type", "object_name", "pickable_object_name", "type"]
            ),
            (.tomogramName, ["tomogram", "tomogram_name", "tomo_name", "tomo", "experiment", "run_name", "run"]),
            (.instance, ["instance", "instance_id", "ids", "id", "contour_id"]),
            (.score, ["score", "confidence", "probability"]),
            (.radius, ["radius"]),
            // napari's points layer: the axes of the array.
            (.z, ["axis-0"]), (.y, ["axis-1"]), (.x, ["axis-2"]),
        ]
        for (column, list) in others { for name in list { names[name] = column } }
        return names
    }()

    /// The units that a column's name can end in, in lower case.
    private static let units: [String: CoordinateConvention] = {
        var units = Dictionary(uniqueKeysWithValues: CoordinateConvention.allCases.map { ($0.rawValue, $0) })
        for name in ["a", "å", "ang", "angst", "angstroms"] { units[name] = .angstrom }
        for name in ["px", "pix", "pixel", "pixels", "vox", "voxels"] { units[name] = .voxel }
        return units
    }()

    /// The column that a title names, and the unit in it: `x`, `X [A]`, `location_x`, `z_relion5-centered`.
    static func named(_ title: String) -> (column: PointColumn, unit: CoordinateConvention?)? {
        let title = title.lowercased()
        if let column = names[title] { return (column, title.hasPrefix("axis-") ? .voxel : nil) }
        if let opening = title.lastIndex(where: { "[(".contains($0) }), let closing = title.last, "])".contains(closing) {
            let unit = title[title.index(after: opening)...].dropLast()
            let name = title[..<opening].split(separator: " ").joined(separator: "_")
            if let column = names[name] { return (column, units[String(unit)]) }
        }
        if let underscore = title.lastIndex(of: "_"), let unit = units[String(title[title.index(after: underscore)...])],
            let column = names[String(title[..<underscore])]
        {
            return (column, unit)
        }
        return nil
    }
}
