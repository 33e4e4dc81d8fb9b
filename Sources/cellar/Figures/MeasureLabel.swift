/// What columns and metrics are called on an axis: with their units.
enum MeasureLabel {
    private static let columns = [
        "volume_nm3": "volume (nm³)", "surface_nm2": "surface (nm²)", "diameter_nm": "diameter (nm)",
        "membrane_distance": "distance to membrane (Å)", "radius": "radius (Å)", "elongation": "elongation",
        "density_mean": "mean density", "x": "x (Å)", "y": "y (Å)", "z": "z (Å)", "concentration": "objects per µm³",
        "dice": "Dice", "iou": "IoU", "f1": "F1",
    ]
    /// Endings of names that say a unit.
    private static let units = [
        ("_nm3", "nm³"), ("_nm2", "nm²"), ("_nm", "nm"), ("_um3", "µm³"), ("_angstrom", "Å"), ("_seconds", "s"),
    ]

    /// - Parameter name: a column, or a metric such as `membrane/dice`.
    static func text(_ name: String) -> String {
        let slash = name.lastIndex(of: "/")
        let measure = slash.map { String(name[name.index(after: $0)...]) } ?? name
        let subject = slash.map { name[..<$0] + ": " } ?? ""
        return subject + (columns[measure] ?? spelled(measure))
    }

    private static func spelled(_ measure: String) -> String {
        for (ending, unit) in units where measure.hasSuffix(ending) {
            return measure.dropLast(ending.count).replacing("_", with: " ") + " (\(unit))"
        }
        return measure.replacing("_", with: " ")
    }
}
