import Glibc

extension MRCHeader {
    /// How far apart the edges of a voxel may be before the odd one is taken for an error of the header.
    private static let plausibleAspect = 1.0 / 16...16.0

    /// The edges of the cell over the sampling, where that is plausible.
    ///
    /// Programs that write images and not volumes leave z (and sometimes y) undefined: the sampling is 1 or 0, or the
    /// edge is 0 or infinite. The voxel is then taken to be as long as it is wide, with a note.
    mutating func readVoxelSize() -> VoxelSize? {
        guard let x = edge(0) else { return nil }
        func plausible(_ edge: Double?) -> Double? {
            edge.flatMap { Self.plausibleAspect.contains($0 / x) ? $0 : nil }
        }
        let counts = [.x, .y, .z].map { axes.count(along: $0, of: fileShape) }
        // A sampling of 1 along many voxels makes the whole cell one voxel, unless the cell was given per voxel, too.
        func isUndersampled(_ axis: Int) -> Bool { sampling(axis) == 1 && counts[axis] > 1 && sampling(0) > 1 }
        let y = isUndersampled(1) ? nil : plausible(edge(1))
        let z = isUndersampled(2) ? nil : plausible(edge(2))
        if y == nil { note("The voxel size along y is absent or absurd; that along x is used.") }
        // A single section has no distance to a next one.
        if z == nil && counts[2] > 1 { note("The voxel size along z is absent or absurd; that along x is used.") }
        let angles = [0, 4, 8].compactMap { fields.float(at: MRCLayout.cellAngles + $0) }
        if angles.contains(where: { (1..<179).contains($0) && abs($0 - 90) > 0.01 }) {
            let text = angles.map(\.description).joined(separator: ", ")
            note("The cell is not rectangular (\(text)°): distances are along its edges.")
        }
        return VoxelSize(xInAngstroms: x, yInAngstroms: y ?? x, zInAngstroms: z ?? x)
    }

    private func sampling(_ axis: Int) -> Int {
        Int(fields.integer(at: MRCLayout.sampling + 4 * axis, as: Int32.self) ?? 0)
    }

    /// The length of a voxel along an axis in Å. Cells are float32, good for seven digits: 235.80000305 Å over 90
    /// voxels is 2.62 Å, and not 2.6200000339 Å.
    private func edge(_ axis: Int) -> Double? {
        let length = Double(fields.float(at: MRCLayout.cellEdges + 4 * axis) ?? 0)
        let count = sampling(axis)
        guard count > 0, length.isFinite else { return nil }
        let edge = length / Double(count)
        guard VoxelSize.plausibleRange.contains(edge) else { return nil }
        let scale = pow(10, 6 - floor(log10(edge)))
        return (edge * scale).rounded() / scale
    }
}
