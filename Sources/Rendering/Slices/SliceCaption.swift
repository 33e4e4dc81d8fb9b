import Foundation
public import Volumes

/// What is written under a picture of a slice.
public struct SliceCaption: Hashable, Sendable {
    /// The name of the tomogram.
    public let name: String
    /// The number of the slice, 0-based.
    public let z: Int?
    /// The voxel size, where it is known.
    public let voxelSize: VoxelSize?
    /// What the colours of labels stand for.
    public let legend: [LegendEntry]

    public init(name: String, z: Int? = nil, voxelSize: VoxelSize? = nil, legend: [LegendEntry] = []) {
        self.name = name
        self.z = z
        self.voxelSize = voxelSize
        self.legend = legend
    }

    /// What stands beside the name: `z 120 · 13.48 Å`.
    var details: String {
        [z.map { "z \($0)" }, voxelSize.map(Self.text)].compactMap(\.self).joined(separator: " · ")
    }

    private static func text(_ size: VoxelSize) -> String {
        // Headers hold float32; a thousandth of an Å is more than any calibration knows.
        let edges = [size.xInAngstroms, size.yInAngstroms, size.zInAngstroms].map { edge in
            var text = String(format: "%.3f", edge)
            while text.hasSuffix("0") { text.removeLast() }
            return text.hasSuffix(".") ? String(text.dropLast()) : text
        }
        return Set(edges).count == 1 ? "\(edges[0]) Å" : edges.joined(separator: " × ") + " Å"
    }
}
