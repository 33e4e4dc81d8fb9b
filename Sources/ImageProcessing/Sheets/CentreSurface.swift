public import Basics
public import Volumes

/// The centre surface of sheets, such as membranes, as voxels `[z][y][x]` of one byte: 0 where there is none, else the code of
/// the place within the voxel through which the surface goes.
///
/// A code is 1 + a + 6 b + 36 c, where a, b and c in 0 … 5 say in which sixth of the voxel the place lies along x, y and z. So a
/// place is known to a twelfth of a voxel's edge along each axis, and a sheet has one place for about each voxel that its centre
/// surface goes through.
public enum CentreSurface {
    /// The parts into which the edge of a voxel is divided.
    private static let parts = 6

    /// The code of a place.
    ///
    /// - Parameter offset: x, y, z in voxels from the voxel's centre, each in −0.5 … 0.5.
    static func code(at offset: SIMD3<Double>) -> UInt8 {
        let cell = ((offset + 0.5) * Double(parts)).rounded(.down).clamped(
            lowerBound: .zero, upperBound: SIMD3(repeating: Double(parts - 1)))
        return UInt8(1 + cell.x + Double(parts) * (cell.y + Double(parts) * cell.z))
    }

    /// The place of a code: x, y, z in voxels from the voxel's centre; nil for 0, and for what is no code.
    public static func offset(of code: UInt8) -> SIMD3<Double>? {
        let cell = Int(code) - 1
        guard cell >= 0, cell < parts * parts * parts else { return nil }
        let cells = SIMD3(Double(cell % parts), Double(cell / parts % parts), Double(cell / (parts * parts)))
        return (cells + 0.5) / Double(parts) - 0.5
    }

    /// The places of all codes; zero for what is none.
    package static let offsets: [SIMD3<Double>] = (0...255).map { offset(of: $0) ?? .zero }

    /// What the squared distance to the nearest place exceeds that to the surface by, on average, as a part of the squared length
    /// of a voxel: places lie about a voxel apart, and some voxels have none. Measured on planes, spheres and tubes of 3 to 6
    /// voxels.
    package static let samplingExcess = 0.25

    /// Checks the width of drawn sheets.
    ///
    /// - Throws: ``ImageError`` where it is not in 0 … 1000 Å, or less than a voxel's length.
    public static func checkThickness(_ thicknessInAngstroms: Double, voxelSize: VoxelSize) throws(ImageError) {
        let least = voxelSize.meanInAngstroms
        guard thicknessInAngstroms >= least, thicknessInAngstroms <= 1000 else {
            throw ImageError(
                .invalidParameter,
                "a membrane \(thicknessInAngstroms) Å thick cannot be drawn: give a thickness from the length of a voxel, "
                    + "\(least) Å, to 1000 Å")
        }
    }
}
