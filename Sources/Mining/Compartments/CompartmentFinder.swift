public import Basics
public import ImageProcessing
public import Volumes

/// Finds the compartments of a tomogram: the connected regions of the sample that are not membrane. Membranes with gaps still
/// divide, where the gaps are small.
///
/// ```swift
/// var finder = try CompartmentFinder(shape: shape, voxelSize: voxelSize, parameters: try CompartmentParameters())
/// for z in 0..<shape.z { try finder.add(membrane: membrane(z), sample: sample(z)) }
/// let map = try finder.finish { try Task.checkCancellation() }
/// for compartment in map.compartments { print(compartment.number, compartment.state, compartment.volumeInCubicNanometers) }
/// let home = map.compartment(at: particle)
/// ```
///
/// 1. The volume is binned by the least whole factor at which it fits the memory. A voxel is membrane if any of its voxels is: so
///    no membrane gets a new gap, however thin it is. What is free of such a voxel counts for the volumes on its sides.
/// 2. Every free voxel gets its distance to the nearest membrane (``SquaredDistances``).
/// 3. The distances are flooded from high to low (``BasinFlood``). Two basins that meet at the distance s have a gap of the
///    diameter 2 s between them. They stay two where the smaller one's greatest distance is at least the open ratio times s, or
///    the closed ratio times s if the gap is closed (``MeetingRule``).
/// 4. Regions that are too small, or of whose surface too much is gap, join the neighbour that they meet first (``RegionGraph``):
///    the spaces between vesicles are bays of the cytosol, not compartments.
/// 5. What is left is measured (``CompartmentSums``), and nested by its contacts through membranes and gaps
///    (``CompartmentNesting``).
///
/// Membrane beyond the sample is ignored. In a mirrored volume a compartment with a gap may differ by some voxels at the gap:
/// places at equal distances are flooded in the order of their voxels.
///
/// - Complexity: linear in the voxels: 1000 × 1000 × 300 take some ten seconds. Memory is what the parameters allow, and that of
///   two slices.
public struct CompartmentFinder: Sendable {
    /// The number of voxels along z, y and x.
    public let shape: VolumeShape
    /// The size of a voxel along z, y and x.
    public let voxelSize: VoxelSize
    /// What counts as a compartment.
    public let parameters: CompartmentParameters
    /// How many voxels are taken as one, along each axis.
    public var binning: Int { grid.binning }

    private var grid: CompartmentGrid
    private var distances: SquaredDistances
    /// The membranes before they were binned; nil where nothing is binned, or they do not fit the memory.
    private var fineMembranes: BitVolume?
    /// The number of slices that were added.
    private var depth = 0
    /// Whether the grid was given away, as it is by ``finish(check:)``.
    private var isFinished = false
    /// For each voxel of the current slice of the grid, how many of its voxels are membrane, and how many are free.
    private var membraneCounts: [Int32]
    private var freeCounts: [Int32]

    /// - Parameters:
    ///   - shape: the number of voxels along z, y and x.
    ///   - voxelSize: the size of a voxel.
    /// - Throws: ``MiningError`` where the volume does not fit the memory.
    public init(shape: VolumeShape, voxelSize: VoxelSize, parameters: CompartmentParameters) throws(MiningError) {
        self.shape = shape
        self.voxelSize = voxelSize
        self.parameters = parameters
        grid = try CompartmentGrid(shape: shape, voxelSize: voxelSize, memoryInBytes: parameters.memoryInBytes)
        distances = SquaredDistances(length: max(grid.shape.y, grid.shape.z))
        // With a border of a voxel, and whole words.
        let fineBytes = (shape.x + 128) / 8 * (shape.y + 2) * (shape.z + 2)
        if grid.binning > 1, grid.labels.count * CompartmentGrid.bytesPerVoxel + fineBytes <= parameters.memoryInBytes {
            fineMembranes = try? BitVolume(shape: shape)
        }
        membraneCounts = [Int32](repeating: 0, count: grid.shape.voxelsPerSlice)
        freeCounts = [Int32](repeating: 0, count: grid.shape.voxelsPerSlice)
    }

    /// Adds the next slice, z ascending.
    ///
    /// - Parameters:
    ///   - membrane: true where a voxel is membrane, `[y][x]`.
    ///   - sample: true where the sample is, `[y][x]`; nil if it is everywhere.
    /// - Throws: ``MiningError`` where a mask has another size than a slice, or the volume is full.
    /// - Complexity: one pass over the pixels, and three over the voxels of the binned slice.
    public mutating func add(membrane: Mask, sample: Mask?) throws(MiningError) {
        for mask in [membrane, sample ?? membrane] {
            guard mask.height == shape.y, mask.width == shape.x, depth < shape.z else {
                throw MiningError(
                    .invalidSize,
                    "slice \(depth) of \(mask.width) × \(mask.height) pixels does not fit a volume of \(shape) voxels; "
                        + "give membranes and sample for each slice of one tomogram")
            }
        }
        membrane.values.withUnsafeBufferPointer { membrane in
            if let sample {
                sample.values.withUnsafeBufferPointer { sample in
                    count {
                        membrane[$0] && sample[$0]
                    } isFree: {
                        !membrane[$0] && sample[$0]
                    }
                }
            } else {
                count {
                    membrane[$0]
                } isFree: {
                    !membrane[$0]
                }
            }
        }
        do throws(ImageError) { try fineMembranes?.append(membrane) } catch { throw MiningError(.invalidSize, error) }
        depth += 1
        if depth % grid.binning == 0 || depth == shape.z { endSlice((depth - 1) / grid.binning) }
    }

    /// Counts the pixels of a slice for the voxels of the grid.
    @inline(__always)
    private mutating func count(isMembrane: (Int) -> Bool, isFree: (Int) -> Bool) {
        let (width, height, binning, columns) = (shape.x, shape.y, grid.binning, grid.shape.x)
        membraneCounts.withUnsafeMutableBufferPointer { membraneCounts in
            freeCounts.withUnsafeMutableBufferPointer { freeCounts in
                for y in 0..<height {
                    let (row, target) = (y &* width, y / binning &* columns)
                    for column in 0..<columns {
                        let start = row &+ column &* binning
                        var (membrane, free): (Int32, Int32) = (0, 0)
                        for index in start..<min(start &+ binning, row &+ width) {
                            membrane &+= isMembrane(index) ? 1 : 0
                            free &+= isFree(index) ? 1 : 0
                        }
                        membraneCounts[target &+ column] &+= membrane
                        freeCounts[target &+ column] &+= free
                    }
                }
            }
        }
    }

    /// Ends a slice of the grid.
    private mutating func endSlice(_ z: Int) {
        for y in 0..<grid.shape.y {
            let row = grid.row(z: z, y: y)
            for x in 0..<grid.shape.x {
                let source = y &* grid.shape.x &+ x
                let (membrane, free) = (membraneCounts[source], freeCounts[source])
                grid.amounts[row &+ x] = grid.amount(ofVoxels: Int(free))
                if membrane > 0 {
                    grid.labels[row &+ x] = CompartmentGrid.membrane
                    grid.hasMembrane = true
                } else if free > 0 {
                    grid.labels[row &+ x] = 0
                }
                (membraneCounts[source], freeCounts[source]) = (0, 0)
            }
        }
        distances.fillSlice(z, of: &grid)
    }

    /// The compartments of all slices that were added. It is asked for once: the memory of the search becomes that of the map.
    ///
    /// - Parameter check: is called every some milliseconds to seconds; what it throws ends the search.
    /// - Throws: ``MiningError`` where slices are missing, where it was asked for before, or there are more than 65,535
    ///   compartments; and what `check` throws.
    /// - Complexity: some passes over the voxels of the binned volume.
    public mutating func finish(check: () throws -> Void) throws -> CompartmentMap {
        guard !isFinished else {
            throw MiningError(
                .invalidSize,
                "the compartments of a volume of \(shape) voxels were asked for twice; keep the map that was returned first")
        }
        guard depth == shape.z else {
            throw MiningError(
                .invalidSize,
                "only \(depth) slices of a volume of \(shape) voxels were added; add all before compartments are asked for")
        }
        isFinished = true
        defer { fineMembranes = nil }
        try distances.fillAcross(&grid, check: check)
        let rule = MeetingRule(parameters, grid)
        var graph = try RegionGraph(try BasinFlood(&grid, rule, check: check), &grid, check: check)
        graph.simplify(parameters)
        let (numbers, gaps) = graph.compartments()
        guard gaps.count <= Int(UInt16.max) else {
            throw MiningError(
                .tooMany,
                "the membranes of \(shape) voxels enclose \(gaps.count) compartments, of which \(UInt16.max) can be numbered; "
                    + "raise the least volume, which is \(parameters.leastVolumeInCubicNanometers) nm³")
        }
        grid.labels.withUnsafeMutableBufferPointer { labels in
            for index in labels.indices where labels[index] > 0 {
                // What was left out is a bubble in a membrane.
                let number = numbers[Int(labels[index]) &- 1]
                labels[index] = number > 0 ? number : CompartmentGrid.membrane
            }
        }
        return try CompartmentMap(measuring: &grid, gaps, shape, voxelSize, rule, fineMembranes, check: check)
    }
}
