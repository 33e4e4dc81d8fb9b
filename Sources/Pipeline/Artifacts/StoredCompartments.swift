public import BlobStore
public import Engine
import ImageProcessing
import Mining
package import Volumes

/// The compartments of a tomogram as an artifact (Schema/blobs.md, `compartments`): the number of each voxel's compartment, 0 in membranes and
/// outside of the sample, of a volume that may be binned.
public struct StoredCompartments: ArtifactContent {
    public static let kind = "compartments"
    private static let (labels, binning) = ("labels", "binning")

    private let artifact: Artifact
    /// How many voxels of the tomogram are one voxel here, along each axis.
    package let binning: Int
    /// The voxels along z, y and x.
    package let shape: VolumeShape

    /// - Throws: ``PipelineError`` where the artifact is no map of compartments.
    public init(_ artifact: Artifact) throws {
        let extents = try artifact.description(of: Self.labels).shape
        guard case .integer(let binning)? = artifact.attributes[Self.binning], (1...1 << 16).contains(binning),
            extents.count == 3,
            let shape = VolumeShape(z: extents[0], y: extents[1], x: extents[2])
        else {
            throw PipelineError(
                "the compartments \(artifact.path) contradict themselves; `cellar verify --deep` looks for damage")
        }
        (self.artifact, self.binning, self.shape) = (artifact, Int(binning), shape)
    }

    /// - Complexity: writes each voxel of the map once.
    static func write(_ map: CompartmentMap, to artifact: ArtifactWriter) throws {
        let shape = map.binnedShape
        try artifact.setAttribute(binning, .integer(Int64(map.binning)))
        let writer = try artifact.createDataset(
            labels, shape: [shape.z, shape.y, shape.x], scalarType: .uint16, chunk: [1, shape.y, shape.x])
        for z in 0..<shape.z { try writer.append(map.labels(z: z).values) }
    }

    /// The numbers of a slice of the map, `[y][x]`.
    package func numbers(z: Int) throws -> [UInt16] { try artifact.readRows(Self.labels, z..<z + 1) }

    /// The number of the compartment at each place; nil in a membrane, and outside of the sample or the tomogram.
    ///
    /// Where the map is binned, one of its voxels that is membrane can hold voxels of the tomogram that are not: there the nearest of the 26 voxels
    /// around it counts that has a number. So a place in a membrane has one, too, and ends of the sample are known to a voxel of the map.
    ///
    /// - Parameter places: x, y, z in Å from the centre of the tomogram's first voxel.
    /// - Complexity: reads the slices of the map that hold a place, three of them at a time.
    func numbers(at places: [SIMD3<Double>], voxelSize: VoxelSize) throws -> [Int?] {
        let edges = voxelSize.vectorInAngstroms * Double(binning)
        let origin = voxelSize.vectorInAngstroms * Double(binning - 1) / 2
        let sides = SIMD3(Double(shape.x), Double(shape.y), Double(shape.z))
        var (slices, numbers) = ([Int: [UInt16]](), [Int?](repeating: nil, count: places.count))
        func number(_ voxel: SIMD3<Int>) throws -> Int? {
            if slices[voxel.z] == nil { slices[voxel.z] = try self.numbers(z: voxel.z) }
            guard let number = slices[voxel.z]?[voxel.y * shape.x + voxel.x], number > 0 else { return nil }
            return Int(number)
        }
        // From the first slice on, so that few are kept.
        for index in places.indices.sorted(by: { places[$0].z < places[$1].z }) {
            // Of voxels of the tomogram, so that binning shifts nothing.
            let cell = ((places[index] - origin) / edges + 0.5).rounded(.down)
            guard (0..<3).allSatisfy({ cell[$0] >= 0 && cell[$0] < sides[$0] }) else { continue }
            let voxel = SIMD3(Int(cell.x), Int(cell.y), Int(cell.z))
            slices = slices.filter { $0.key >= voxel.z - 1 }
            numbers[index] = try number(voxel)
            guard numbers[index] == nil, binning > 1 else { continue }
            var nearest = Double.infinity
            for z in max(0, voxel.z - 1)...min(shape.z - 1, voxel.z + 1) {
                for y in max(0, voxel.y - 1)...min(shape.y - 1, voxel.y + 1) {
                    for x in max(0, voxel.x - 1)...min(shape.x - 1, voxel.x + 1) {
                        guard let other = try number(SIMD3(x, y, z)) else { continue }
                        let offset = SIMD3(Double(x), Double(y), Double(z)) * edges + origin - places[index]
                        let squared = (offset * offset).sum()
                        if squared < nearest { (nearest, numbers[index]) = (squared, other) }
                    }
                }
            }
        }
        return numbers
    }
}
