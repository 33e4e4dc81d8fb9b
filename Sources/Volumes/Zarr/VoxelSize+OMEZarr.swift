extension VoxelSize {
    /// The lengths in Å of the units that OME-Zarr allows and a tomogram can have, and of the short forms that are met.
    private static let angstromsPerUnit: [String: Double] = [
        "angstrom": 1, "Å": 1, "A": 1, "nanometer": 10, "nm": 10, "micrometer": 1e4, "um": 1e4, "µm": 1e4, "picometer": 0.01,
        "pm": 0.01,
        "meter": 1e10, "m": 1e10, "millimeter": 1e7, "mm": 1e7,
    ]

    /// The voxel size of a resolution of an OME-Zarr image, and what is to be said about it.
    ///
    /// A scale without a unit is taken for Å, which is what it is in the stores of the field. All ones without a unit
    /// at the highest resolution say nothing: that is what a writer puts that knows no voxel size.
    static func read(
        from image: MultiscaleImage, dataset: MultiscaleImage.Dataset, axes: ZarrAxes, axisCount: Int
    ) -> (voxelSize: VoxelSize?, notes: [String]) {
        guard let scale = image.scale(of: dataset, axisCount: axisCount) else { return (nil, []) }
        let axisUnits = image.axes?.map(\.unit) ?? []
        let units = axisUnits.count == axisCount ? axisUnits : Array(repeating: nil, count: axisCount)
        let spatial = [axes.z, axes.y, axes.x].compactMap(\.self)

        var angstroms = scale
        for axis in spatial {
            guard let unit = units[axis] else { continue }
            guard let factor = angstromsPerUnit[unit] else {
                return (nil, ["the voxel size was ignored: its unit \"\(unit)\" is not known"])
            }
            angstroms[axis] *= factor
        }
        let lacksUnits = spatial.contains { units[$0] == nil }
        if lacksUnits, let finest = image.datasets.first, let scale = image.scale(of: finest, axisCount: axisCount),
            spatial.allSatisfy({ scale[$0] == 1 })
        {
            return (nil, ["the voxel size was ignored: a scale of 1 without a unit is a count of voxels"])
        }
        let (storedZ, y, x) = axes.ordered(angstroms)
        // One image has no spacing along z.
        let z = axes.z == nil ? x : storedZ
        guard let size = VoxelSize(xInAngstroms: x, yInAngstroms: y, zInAngstroms: z) else {
            return (nil, ["the voxel size was ignored: \(x) × \(y) × \(z) Å is not plausible"])
        }
        return (size, lacksUnits ? ["the voxel size has no unit and was taken for Å"] : [])
    }
}
