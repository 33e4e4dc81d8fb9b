public import Basics
public import Volumes

/// An object of which a surface is drawn: a mask, or a map of probabilities.
public struct SurfaceObject {
    /// The voxels beyond which there are only zeros.
    public let box: Box
    /// Gives the values of a slice of the box, `[y][x]`: 1 inside, 0 outside, or what lies between.
    public let slice: (_ z: Int, _ box: Box) throws -> [Float]

    /// - Parameters:
    ///   - box: the voxels beyond which there are only zeros.
    ///   - slice: gives the values `[y][x]` of slice z within a box; it is called with a box that is somewhat larger than this one.
    public init(box: Box, slice: @escaping (_ z: Int, _ box: Box) throws -> [Float]) {
        (self.box, self.slice) = (box, slice)
    }
}

/// Draws the surfaces of objects of a tomogram where their values, smoothed by a Gaussian, are one half.
///
/// Surfaces are closed 2-manifolds, with triangles that are counter-clockwise as they are seen from outside; an object that the
/// border of the tomogram cuts off is closed there. Positions are in Å (``SurfaceMesh``). A Gaussian of σ removes what is thinner
/// than 1.35 σ: choose it below the thickness of a membrane.
///
/// Where there would be more triangles than a limit, or σ is more than two voxels, surfaces are drawn on a binned grid, the same
/// for all objects. Then what is thinner than a voxel of that grid gets holes, or is lost.
///
/// ```swift
/// let builder = try SurfaceBuilder(shape: shape, voxelSize: voxelSize, smoothingInAngstroms: 20, triangleLimit: 1_000_000)
/// let surfaces = try builder.surfaces(of: [SurfaceObject(box: shape.box) { z, box in mask(z, box) }])
/// ```
///
/// The same input gives the same bits.
public struct SurfaceBuilder: Sendable {
    /// Surfaces that were drawn on one grid.
    public struct Surfaces: Sendable {
        /// One for each object; without a triangle where nothing of it reaches one half.
        public let meshes: [SurfaceMesh]
        /// The voxels along each axis that one voxel of the grid has.
        public let binning: Int
    }

    private let shape: VolumeShape
    private let voxelSize: VoxelSize
    private let smoothingInAngstroms: Double
    private let triangleLimit: Int

    /// The possible σ in Å.
    public static let smoothingRange = 0.0...10_000.0
    /// The possible limits of triangles. Each has three indices and about half a vertex: 24 bytes of a file.
    public static let triangleRange = 100...100_000_000
    /// The most σ, in voxels of the grid: seven weights on either side.
    private static let largestDeviation = 2.0
    /// The most voxels along an axis that are taken together for the sake of the limit.
    private static let largestBinning = 4096

    /// - Parameters:
    ///   - shape: of the tomogram.
    ///   - smoothingInAngstroms: σ of the Gaussian.
    ///   - triangleLimit: the most triangles of all objects together.
    /// - Throws: ``ImageError`` unless the parameters lie in their ranges.
    public init(
        shape: VolumeShape, voxelSize: VoxelSize, smoothingInAngstroms: Double, triangleLimit: Int
    ) throws(ImageError) {
        guard Self.smoothingRange.contains(smoothingInAngstroms) else {
            throw .parameter("the smoothing", smoothingInAngstroms, mustBe: "0 to 10000 Å")
        }
        guard Self.triangleRange.contains(triangleLimit) else {
            throw .parameter("the limit of triangles", triangleLimit, mustBe: "100 to 100000000")
        }
        (self.shape, self.voxelSize, self.smoothingInAngstroms) = (shape, voxelSize, smoothingInAngstroms)
        self.triangleLimit = triangleLimit
    }

    /// Draws the surfaces of objects, one after the other.
    ///
    /// - Throws: ``ImageError`` where a box does not lie in the tomogram, or no grid has so few triangles; what reading slices
    ///   throws.
    /// - Complexity: reads each object once for each grid that is tried; a grid is given up when it has too many triangles, and
    ///   the next one is coarser by at most a factor of two. Memory is that of about 25 binned slices of the object's box, and
    ///   the surfaces.
    public func surfaces(of objects: [SurfaceObject]) throws -> Surfaces {
        for object in objects where !object.box.isInside(shape) {
            throw ImageError(
                .invalidSize,
                "a box of \(object.box.shape) voxels does not lie in a tomogram of \(shape); give boxes inside of it")
        }
        var binning = leastBinning
        while binning <= max(Self.largestBinning, leastBinning) {
            switch try attempt(objects, binning: binning) {
            case .done(let meshes): return Surfaces(meshes: meshes, binning: binning)
            case .overfull(let part):
                // Triangles are as many as the square of the grid's resolution. Objects are not spread evenly: no more than twice.
                let factor = (1 / max(part, 0.25)).squareRoot()
                binning = max(binning + 1, Int((Double(binning) * factor).rounded()))
            }
        }
        throw ImageError(
            .invalidParameter,
            "\(objects.count) surfaces have more than \(triangleLimit) triangles on any grid; allow for more")
    }

    /// The binning by which σ is not more than a few voxels.
    private var leastBinning: Int {
        let deviation = (SIMD3(repeating: smoothingInAngstroms) / voxelSize.vectorInAngstroms).max()
        return max(1, Int((deviation / Self.largestDeviation).rounded(.up)))
    }

    private enum Attempt {
        case done([SurfaceMesh])
        /// The part of all slices that was drawn before there were too many triangles.
        case overfull(part: Double)
    }

    private func attempt(_ objects: [SurfaceObject], binning: Int) throws -> Attempt {
        let total = objects.reduce(0) { $0 + $1.box.z.count }
        var (meshes, rest, before): ([SurfaceMesh], Int, Int) = ([], triangleLimit, 0)
        for object in objects {
            var read = 0
            guard let mesh = try mesh(of: object, binning: binning, triangleLimit: rest, read: &read) else {
                return .overfull(part: Double(before + min(read, object.box.z.count)) / Double(max(total, 1)))
            }
            meshes.append(mesh)
            rest -= mesh.triangles.count
            before += object.box.z.count
        }
        return .done(meshes)
    }

    /// The surface of an object; nil where it has too many triangles.
    ///
    /// - Parameter read: counts the slices that were read.
    private func mesh(of object: SurfaceObject, binning: Int, triangleLimit: Int, read: inout Int) throws -> SurfaceMesh? {
        let size = voxelSize.vectorInAngstroms * Double(binning)
        let deviations = SIMD3(repeating: smoothingInAngstroms) / size
        let box = enlarged(object.box, binning: binning, deviations: deviations)
        var field = try SurfaceField(height: box.y.count, width: box.x.count, binning: binning, deviations: deviations)
        var net = SurfaceNet(
            height: field.height, width: field.width, scale: SIMD3<Float>(size), triangleLimit: triangleLimit)
        for z in box.z {
            field.add(try object.slice(z, box)) { net.add($0) }
            read += 1
            if net.isOverfull { return nil }
        }
        field.finish { net.add($0) }
        net.finish()
        guard !net.isOverfull else { return nil }
        // The middle of a binned voxel lies between its voxels.
        let first = SIMD3(Double(box.x.lowerBound), Double(box.y.lowerBound), Double(box.z.lowerBound))
        let origin = (first + SIMD3(repeating: Double(binning - 1) / 2)) * voxelSize.vectorInAngstroms
        let positions = net.positions.map { SIMD3<Float>(origin + SIMD3<Double>($0) * size) }
        return SurfaceMesh(positions: positions, triangles: net.triangles)
    }

    /// A box with all voxels that smoothing gives a value, within the tomogram. It begins where a voxel of the grid begins.
    private func enlarged(_ box: Box, binning: Int, deviations: SIMD3<Double>) -> Box {
        func range(_ range: Range<Int>, _ deviation: Double, _ length: Int) -> Range<Int> {
            let margin = (Int((3 * deviation).rounded(.up)) + 1) * binning
            let first = max(0, range.lowerBound - margin) / binning * binning
            return first..<min(length, range.upperBound + margin)
        }
        return Box(
            z: range(box.z, deviations.z, shape.z), y: range(box.y, deviations.y, shape.y),
            x: range(box.x, deviations.x, shape.x)) ?? box
    }
}
