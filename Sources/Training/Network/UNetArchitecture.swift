import Tensors

/// A U-Net (Ronneberger, Fischer and Brox, MICCAI 2015; in three dimensions Çiçek et al., MICCAI 2016).
public struct UNetArchitecture: Hashable, Sendable, Codable {
    /// How maps become twice as large on the way up.
    public enum Upsampling: String, Hashable, Sendable, Codable, CaseIterable {
        case transposed
        case linear
    }

    /// 2 or 3.
    public let dimensions: Int
    /// Ground included.
    public let classes: Int
    /// Channels of the finest level; each coarser one has twice as many.
    public let width: Int
    /// Levels, the finest included.
    public let levels: Int
    public let normalization: NormalizationKind
    public let upsampling: Upsampling

    /// - Throws: ``TrainingError`` where a number is out of range.
    public init(
        dimensions: Int, classes: Int, width: Int, levels: Int, normalization: NormalizationKind = .batch,
        upsampling: Upsampling = .transposed
    ) throws(TrainingError) {
        (self.dimensions, self.classes, self.width, self.levels) = (dimensions, classes, width, levels)
        (self.normalization, self.upsampling) = (normalization, upsampling)
        try check()
    }

    /// - Throws: ``TrainingError`` where a number is out of range, as it may be in a file.
    func check() throws(TrainingError) {
        guard dimensions == 2 || dimensions == 3 else { throw TrainingError("a U-Net has 2 or 3 dimensions, not \(dimensions)") }
        guard 1...64 ~= classes else { throw TrainingError("a U-Net has 1 to 64 classes, not \(classes)") }
        guard 1...256 ~= width, 1...7 ~= levels else {
            throw TrainingError("a U-Net has a width of 1 to 256 and 1 to 7 levels, not \(width) and \(levels)")
        }
        if case .group(let groups) = normalization, groups < 1 || width % groups != 0 {
            throw TrainingError("\(groups) groups do not divide a width of \(width)")
        }
    }

    /// The channels of a level.
    func channels(_ level: Int) -> Int { width << level }

    /// The windows of pooling.
    var window: Extent3D { dimensions == 3 ? Extent3D(2) : Extent3D(1, 2, 2) }

    var alignment: Extent3D {
        let factor = 1 << (levels - 1)
        return Extent3D(dimensions == 3 ? factor : 1, factor, factor)
    }

    /// Four convolutions at each level, two at the coarsest; a pooled voxel knows its whole window.
    var receptiveRadius: Extent3D {
        var radius = 0
        for level in 0..<levels {
            let reach = level == levels - 1 ? 2 : 4
            radius += reach << level
            // Linear interpolation looks at a neighbour; windows begin at their first voxel.
            if level > 0 { radius += (1 << (level - 1)) + (upsampling == .linear ? 1 << level : 0) }
        }
        return Extent3D(dimensions == 3 ? radius : 0, radius, radius)
    }
}
