import Basics

extension PointSet {
    /// The points as a STAR file of particles, in the convention `relion5-centered` or `relion`.
    ///
    /// Classes are written as RELION's class numbers, from 1 in the order of their names; comments at the top list them. A
    /// point without class, orientation or score gets zeros.
    ///
    /// - Parameter voxelSize: the voxel size of the tomogram, used as pixel size if the set states none.
    /// - Throws: ``VolumeError``, `.unwritable`, for a name that cannot be quoted.
    func star(voxelSize: VoxelSize, path: String) throws(VolumeError) -> String {
        let classes = Set(points.compactMap(\.className)).sorted()
        let numbers = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, $0 + 1) })
        var columns = convention == .relion5Centered ? STARColumn.centred : STARColumn.coordinate
        if points.contains(where: { $0.tomogramName != nil }) { columns.insert(STARColumn.tomogramName, at: 0) }
        let hasOrientations = points.contains { $0.orientation != nil }
        let hasScores = points.contains { $0.score != nil }
        if hasOrientations { columns += STARColumn.angles }
        if !classes.isEmpty { columns.append(STARColumn.classNumber) }
        if hasScores { columns.append(STARColumn.score) }
        // Voxels that are not cubes do not have a single pixel size.
        let isCubic = voxelSize.xInAngstroms == voxelSize.yInAngstroms && voxelSize.yInAngstroms == voxelSize.zInAngstroms
        let pixelSize = convention == .relion ? pixelSizeInAngstroms ?? (isCubic ? voxelSize.xInAngstroms : nil) : nil
        if pixelSize != nil { columns.append(STARColumn.pixelSizes[0]) }

        var text = classes.enumerated().map { "# class \($0 + 1): \($1)\n" }.joined()
        text += "\ndata_particles\n\nloop_\n"
        text += columns.enumerated().map { "\($1) #\($0 + 1)\n" }.joined()
        for point in points {
            var values = ["\(point.x)", "\(point.y)", "\(point.z)"]
            if columns.first == STARColumn.tomogramName {
                values.insert(try Self.word(point.tomogramName ?? "", path: path), at: 0)
            }
            if hasOrientations {
                let angles = point.orientation ?? ParticleOrientation(rot: 0, tilt: 0, psi: 0)
                values += ["\(angles.rot)", "\(angles.tilt)", "\(angles.psi)"]
            }
            if !classes.isEmpty { values.append("\(point.className.flatMap { numbers[$0] } ?? 0)") }
            if hasScores { values.append("\(point.score ?? 0)") }
            if let pixelSize { values.append("\(pixelSize)") }
            text += values.joined(separator: "\t") + "\n"
        }
        return text + "\n"
    }

    /// A text as one value of a STAR file, in quotes if it needs them.
    private static func word(_ text: String, path: String) throws(VolumeError) -> String {
        let isPlain =
            !text.isEmpty && !text.contains(" ") && !"#_'\";".contains(text.first ?? "#")
            && !["data_", "loop_", "save_"].contains(text.prefix(5).lowercased())
        if isPlain { return text }
        guard let quote = ["\"", "'"].first(where: { !text.contains("\($0) ") }) else {
            throw VolumeError(
                .unwritable, "cannot hold the name \(text): it has both kinds of quotes; rename the tomogram", path: path)
        }
        return quote + text + quote
    }
}
