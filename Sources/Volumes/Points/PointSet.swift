import Foundation

/// Points whose coordinates have one convention, as in a file.
public struct PointSet: Hashable, Sendable {
    public var points: [PickedPoint]
    public var convention: CoordinateConvention
    /// The size in Å of the pixels that are the coordinates' unit; only for the convention `relion`, if the file states it.
    public var pixelSizeInAngstroms: Double?
    /// Where the middle of a tomogram is, in Å from the centre of its first voxel, by the name that its points have (empty where
    /// they have none); only for the convention `relion5-centered`, of tomograms whose size the file states. The middle of
    /// others is that of their voxels.
    public var middlesInAngstroms: [String: SIMD3<Double>]
    /// What was odd in the file and how it was understood, one sentence each, for people.
    public var notes: [String]

    public init(
        points: [PickedPoint], convention: CoordinateConvention, pixelSizeInAngstroms: Double? = nil,
        middlesInAngstroms: [String: SIMD3<Double>] = [:], notes: [String] = []
    ) {
        self.points = points
        self.convention = convention
        self.pixelSizeInAngstroms = pixelSizeInAngstroms
        self.middlesInAngstroms = middlesInAngstroms
        self.notes = notes
    }

    /// The same points in another convention: x' = ((x − origin) · unit + shift) / unit' + origin', along each axis, with
    /// origin and unit of the old convention and origin' and unit' of the new one. The shifts of the result are zero.
    ///
    /// - Parameters:
    ///   - convention: the convention of the result.
    ///   - pixelSizeInAngstroms: the pixel size of the result, for `relion`; nil for the tomogram's voxel size.
    ///   - voxelSize: the voxel size of the tomogram in which the points lie.
    ///   - shape: the shape of that tomogram.
    /// - Complexity: one pass over the points.
    public func converted(
        to convention: CoordinateConvention, pixelSizeInAngstroms: Double? = nil, voxelSize: VoxelSize, shape: VolumeShape
    ) -> PointSet {
        let pixelSize = convention == .relion ? pixelSizeInAngstroms : nil
        let (usualOrigin, unit) = self.convention.frame(voxelSize: voxelSize, shape: shape, pixelSize: self.pixelSizeInAngstroms)
        let (newOrigin, newUnit) = convention.frame(voxelSize: voxelSize, shape: shape, pixelSize: pixelSize)
        let middles = self.convention == .relion5Centered ? middlesInAngstroms : [:]
        var result = self
        result.convention = convention
        result.pixelSizeInAngstroms = pixelSize
        result.middlesInAngstroms = [:]
        for index in points.indices {
            let point = points[index]
            let middle = middles.isEmpty ? nil : middles[point.tomogramName ?? ""]
            let origin = middle.map { -$0 } ?? usualOrigin
            // Points whose unit and origin stay the same are copied: computing them would add rounding errors.
            let isSameFrame = origin == newOrigin && unit == newUnit
            if isSameFrame && point.shiftInAngstroms == .zero { continue }
            let position = (SIMD3(point.x, point.y, point.z) - origin) * unit + point.shiftInAngstroms
            let moved = position / newUnit + newOrigin
            (result.points[index].x, result.points[index].y, result.points[index].z) = (moved.x, moved.y, moved.z)
            result.points[index].shiftInAngstroms = .zero
        }
        return result
    }

    /// The same points in Å, measured from the centre of the tomogram's first voxel.
    public func inAngstroms(voxelSize: VoxelSize, shape: VolumeShape) -> PointSet {
        converted(to: .angstrom, voxelSize: voxelSize, shape: shape)
    }
}

extension PointSet {
    /// Whether the voxel of a point depends on the tomogram's voxel size: coordinates or shifts have lengths in Å.
    public var needsVoxelSize: Bool {
        switch convention {
        case .angstrom, .relion5Centered: true
        case .relion where pixelSizeInAngstroms != nil: true
        case .relion, .voxel, .imod, .dynamo: points.contains { $0.shiftInAngstroms != .zero }
        }
    }

    /// The same points in voxels of the tomogram, 0-based; nil where that needs the voxel size, and it is not known.
    ///
    /// - Complexity: one pass over the points.
    public func inVoxels(voxelSize: VoxelSize?, shape: VolumeShape) -> PointSet? {
        // Without lengths in Å the voxel size cancels out.
        let size = voxelSize ?? (needsVoxelSize ? nil : VoxelSize(cubicInAngstroms: 1))
        return size.map { converted(to: .voxel, voxelSize: $0, shape: shape) }
    }

    /// The same points in the tomogram that is mirrored along z, as one of the other handedness is: slice z becomes slice
    /// n − 1 − z of n.
    ///
    /// A mirrored particle is not the same particle rotated, so an orientation R becomes F · R · F, F = diag(1, 1, −1): it takes
    /// the particle that is mirrored along its own z axis to its place in the mirrored tomogram.
    ///
    /// - Returns: the points in `voxel`, or in `angstrom` where their coordinates or shifts have lengths in Å; nil where these
    ///   need the voxel size, and it is not known.
    /// - Complexity: two passes over the points.
    public func mirroredAlongZ(voxelSize: VoxelSize?, shape: VolumeShape) -> PointSet? {
        guard var result = inVoxels(voxelSize: voxelSize, shape: shape) else { return nil }
        for index in result.points.indices {
            result.points[index].z = Double(shape.z - 1) - result.points[index].z
            result.points[index].orientation = result.points[index].orientation?.mirroredAlongZ
        }
        guard needsVoxelSize, let voxelSize else { return result }
        return result.inAngstroms(voxelSize: voxelSize, shape: shape)
    }

    /// From where centred coordinates count, as a sentence for people; nil for other conventions. All points are of one
    /// tomogram.
    public func middleSentence(voxelSize: VoxelSize?, shape: VolumeShape) -> String? {
        guard convention == .relion5Centered, !points.isEmpty else { return nil }
        func text(_ position: SIMD3<Double>) -> String {
            "(" + (0..<3).map { String(format: "%.1f", position[$0]) }.joined(separator: ", ") + ") Å"
        }
        let own = voxelSize.map { SIMD3(Double(shape.x), Double(shape.y), Double(shape.z)) / 2 * $0.vectorInAngstroms }
        guard let stated = middlesInAngstroms[points[0].tomogramName ?? ""] else {
            return "centred coordinates count from the middle of the tomogram's \(shape) voxels"
                + (own.map { ", at \(text($0)) from the first one" } ?? "")
        }
        var sentence =
            "centred coordinates count from the middle of the size that the file states (rlnTomoSizeX, Y, Z), at \(text(stated))"
        if let own, let voxelSize {
            let apart = (own - stated) / voxelSize.vectorInAngstroms
            if (0..<3).contains(where: { abs(apart[$0]) > 1 }) {
                sentence += "; the middle of the tomogram's own voxels is at \(text(own)): another size of the same tilt series?"
            }
        }
        return sentence
    }

    /// The names of tomograms that points have, each with the number of its points, in the order of the file.
    public var tomogramNames: [(name: String, points: Int)] {
        var (names, counts): ([String], [String: Int]) = ([], [:])
        for case let name? in points.lazy.map(\.tomogramName) {
            if counts[name] == nil { names.append(name) }
            counts[name, default: 0] += 1
        }
        return names.map { ($0, counts[$0] ?? 0) }
    }
}

/// A point that a person or a program picked in a tomogram: a particle, or a seed.
public struct PickedPoint: Hashable, Sendable {
    /// The position, in the convention of the set that the point belongs to.
    public var x: Double
    public var y: Double
    public var z: Double
    /// A shift (x, y, z) in Å that is added to the position after its conversion to Å. It comes from refinement, in files
    /// that have coordinates in pixels and shifts in Å. Shifts in the unit of the coordinates are in the position already.
    public var shiftInAngstroms: SIMD3<Double>
    /// The orientation; nil if the file has none.
    public var orientation: ParticleOrientation?
    /// The class of the object: `ribosome`.
    public var className: String?
    /// The tomogram or tilt series; for files that have the points of several.
    public var tomogramName: String?
    /// The number of the object that the point is part of: a filament or a surface.
    public var instance: Int?
    /// The score that the picking program gave, in its own range.
    public var score: Double?
    public var radiusInAngstroms: Double?

    public init(
        x: Double, y: Double, z: Double, shiftInAngstroms: SIMD3<Double> = .zero, orientation: ParticleOrientation? = nil,
        className: String? = nil, tomogramName: String? = nil, instance: Int? = nil, score: Double? = nil,
        radiusInAngstroms: Double? = nil
    ) {
        self.x = x
        self.y = y
        self.z = z
        self.shiftInAngstroms = shiftInAngstroms
        self.orientation = orientation
        self.className = className
        self.tomogramName = tomogramName
        self.instance = instance
        self.score = score
        self.radiusInAngstroms = radiusInAngstroms
    }
}

/// The coordinate convention of points: unit and origin of their coordinates.
///
/// The reference is Å from the centre of the first voxel, with 0-based indices: the centre of voxel (i, j, k) of a
/// tomogram with voxel size v lies at (i·v, j·v, k·v). For a coordinate c along an axis with n voxels, and RELION's pixel
/// size p:
///
/// | convention | unit | Å along an axis |
/// |---|---|---|
/// | `angstrom` | Å | c |
/// | `voxel` | voxels of the tomogram, 0-based | c · v |
/// | `relion` | pixels, 0-based, of the size that the file states; if it states none, of the tomogram's voxel size | c · p |
/// | `relion5-centered` | Å from the middle of the tomogram | c + n/2 · v; c + N/2 · p where the file states the size of N unbinned pixels |
/// | `imod` | voxels; the centre of the first is at (0.5, 0.5, 0) | (c − 0.5) · v in x and y, c · v in z |
/// | `dynamo` | voxels; the centre of the first is at (1, 1, 1) | (c − 1) · v |
///
/// RELION does not document whether its pixels begin at 0 or 1; this follows from its code. RELION 5 reads a centred
/// coordinate c as pixel c/p + n/2 of the unbinned tomogram, n/2 not rounded, and uses voxel n/2, counted from 0, as the
/// centre of rotation: 0-based. RELION 4 adds 1 to the coordinates before it uses them in its projections, which are
/// 1-based: so its coordinates are 0-based as well. The particle picker of early versions of RELION 5 subtracted n/2 − 1, so
/// its coordinates may be off by one unbinned pixel. STOPGAP's `orig_x` is read as `voxel`. IMOD's origin is that of 3dmod's
/// model files, Dynamo's that of MATLAB's indices.
public enum CoordinateConvention: String, Hashable, Sendable, CaseIterable, Codable {
    case angstrom
    case voxel
    case relion
    case relion5Centered = "relion5-centered"
    case imod
    case dynamo

    /// The coordinates of the centre of the first voxel, and the length of one unit in Å, along x, y, z. A coordinate c lies
    /// (c − origin) · unit Å from that centre.
    ///
    /// - Parameters:
    ///   - voxelSize: the voxel size of the tomogram.
    ///   - shape: the shape of the tomogram.
    ///   - pixelSize: the pixel size of `relion` in Å; nil for the tomogram's voxel size.
    func frame(
        voxelSize: VoxelSize, shape: VolumeShape, pixelSize: Double?
    ) -> (origin: SIMD3<Double>, unit: SIMD3<Double>) {
        let voxel = voxelSize.vectorInAngstroms
        let count = SIMD3(Double(shape.x), Double(shape.y), Double(shape.z))
        return switch self {
        case .angstrom: (.zero, .one)
        case .voxel: (.zero, voxel)
        case .relion: (.zero, pixelSize.map { SIMD3(repeating: $0) } ?? voxel)
        case .relion5Centered: (-count / 2 * voxel, .one)
        case .imod: (SIMD3(0.5, 0.5, 0), voxel)
        case .dynamo: (.one, voxel)
        }
    }
}
