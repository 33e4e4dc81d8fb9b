import Glibc

/// What the tags of a TIFF file's first page say beside its pixels.
struct TIFFMetadata {
    /// The number of slices by ImageJ's description; 1 where there is none.
    private(set) var imageCount = 1
    private(set) var voxelSize: VoxelSize?
    private(set) var notes: [String] = []
    /// The description, where it is one line for people.
    private(set) var label: String?

    init(_ directory: TIFFDirectory) throws(VolumeError) {
        let description = try directory.text(.imageDescription)
        let x = try directory.rational(.xResolution)
        let y = try directory.rational(.yResolution)
        if description.hasPrefix("ImageJ=") {
            readImageJ(description, pixelsPerUnit: (x, y))
        } else {
            // 1 is no unit at all; screens and printers, at 72 or 300 dots per inch, are told apart by plausibility.
            let unit: Double? =
                switch try directory.integer(.resolutionUnit) ?? 2 {
                case 2: 2.54e8
                case 3: 1e8
                default: nil
                }
            setVoxelSize(pixelsPerUnit: (x, y), spacing: nil, unitInAngstroms: unit)
            if !description.isEmpty, description.utf8.count <= 200, !description.contains("\n") { label = description }
        }
    }

    /// ImageJ's description: lines of `key=value`.
    private mutating func readImageJ(_ description: String, pixelsPerUnit: (x: Double?, y: Double?)) {
        var values: [Substring: Substring] = [:]
        for line in description.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { values[parts[0]] = parts[1] }
        }
        imageCount = values["images"].flatMap { Int($0) } ?? 1
        let others = ["channels", "frames"].filter { values[$0].flatMap { Int($0) } ?? 1 > 1 }
        if !others.isEmpty {
            note("The hyperstack has several \(others.joined(separator: " and ")); all images are read as slices.")
        }
        setVoxelSize(
            pixelsPerUnit: pixelsPerUnit, spacing: values["spacing"].flatMap { Double($0) },
            unitInAngstroms: values["unit"].flatMap(Self.angstroms))
    }

    private mutating func setVoxelSize(
        pixelsPerUnit: (x: Double?, y: Double?), spacing: Double?, unitInAngstroms unit: Double?
    ) {
        guard let unit, let resolution = pixelsPerUnit.x else { return }
        // Resolutions are fractions of 32 bits: six digits of what was meant.
        func edge(_ length: Double) -> Double? {
            guard VoxelSize.plausibleRange.contains(length) else { return nil }
            let scale = pow(10, 5 - floor(log10(length)))
            return (length * scale).rounded() / scale
        }
        guard let x = edge(unit / resolution) else { return }
        let y = pixelsPerUnit.y.flatMap { edge(unit / $0) }
        let z = spacing.flatMap { edge(abs($0) * unit) }
        voxelSize = VoxelSize(xInAngstroms: x, yInAngstroms: y ?? x, zInAngstroms: z ?? x)
        if z == nil { note("The file has no voxel size along z; that along x is used.") }
    }

    private mutating func note(_ sentence: String) { notes.append(sentence) }

    /// The length in Å of a unit as ImageJ spells it: `\u00B5` is an escape of its own, and not UTF-8 in old files.
    private static func angstroms(_ unit: Substring) -> Double? {
        switch unit.lowercased() {
        case "å", "a", "angstrom", "angstroms", "ångström", "\\u00c5", "\\u00e5": 1
        case "nm", "nanometer", "nanometers": 10
        case "µm", "μm", "um", "micron", "microns", "micrometer", "\\u00b5m", "\u{fffd}m": 1e4
        case "mm": 1e7
        case "cm": 1e8
        case "inch": 2.54e8
        default: nil
        }
    }
}
