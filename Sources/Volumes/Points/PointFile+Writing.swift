public import Basics

extension PointFile {
    /// Writes points to a file, which appears complete or not at all.
    ///
    /// - Parameters:
    ///   - points: the points, in any convention.
    ///   - output: the file; its extension tells the format.
    ///   - convention: of the coordinates in the file. Tables can have any (nil means `angstrom`), STAR files
    ///     `relion5-centered` (nil) or `relion`, copick's files only `angstrom`.
    ///   - pixelSizeInAngstroms: of the pixels of `relion`; nil for the tomogram's voxel size. RELION itself reads pixels
    ///     of the tilt series before binning.
    ///   - voxelSize: of the tomogram.
    ///   - shape: of the tomogram.
    ///   - session: for copick's files.
    /// - Throws: ``VolumeError``: `.unsupported` for what the format cannot hold, `.unwritable`, `.alreadyExists`.
    public static func write(
        _ points: PointSet, to output: OutputFile, convention: CoordinateConvention? = nil, pixelSizeInAngstroms: Double? = nil,
        voxelSize: VoxelSize, shape: VolumeShape, session: CopickSession = CopickSession()
    ) throws(VolumeError) {
        let path = output.path
        let format = try Format(path: path)
        let (usual, possible): (CoordinateConvention, [CoordinateConvention]) =
            switch format {
            case .table: (.angstrom, CoordinateConvention.allCases)
            case .star: (.relion5Centered, [.relion5Centered, .relion])
            case .copick: (.angstrom, [.angstrom])
            }
        let convention = convention ?? usual
        guard possible.contains(convention) else {
            throw VolumeError(
                .unsupported,
                "cannot hold coordinates of the convention \(convention.rawValue); "
                    + "choose \(possible.map(\.rawValue).joined(separator: " or ")), or write a .csv file", path: path)
        }
        let points = points.converted(
            to: convention, pixelSizeInAngstroms: pixelSizeInAngstroms, voxelSize: voxelSize, shape: shape)
        for (index, point) in points.points.enumerated() {
            let numbers = [point.x, point.y, point.z, point.score ?? 0, point.radiusInAngstroms ?? 0]
            let angles = point.orientation.map { [$0.rot, $0.tilt, $0.psi] } ?? []
            guard (numbers + angles).allSatisfy(\.isFinite) else {
                throw VolumeError(.unwritable, "cannot be written: a number of point \(index + 1) is not finite", path: path)
            }
            for name in [point.className, point.tomogramName].compactMap(\.self) {
                guard !name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
                    throw VolumeError(
                        .unwritable, "cannot be written: the name of point \(index + 1) has control characters", path: path)
                }
            }
        }
        let bytes: [UInt8] =
            switch format {
            case .table: Array(points.table.utf8)
            case .star: Array(try points.star(voxelSize: voxelSize, path: path).utf8)
            case .copick: try CopickPicks(points, session: session, path: path).json(path: path)
            }
        try output.write(bytes)
    }
}
