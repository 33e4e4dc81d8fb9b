/// Joins the components of a volume's slices to those of the volume, one slice after the other: pixels above one another are
/// neighbours.
///
/// ```swift
/// var joined = VolumeComponents()
/// for mask in masks { try joined.add(mask.components()) }
/// let numbering = joined.finished()
/// // In a second pass, which finds the same components in each slice again:
/// let number = numbering.number(ofLabel: 3, inSlice: 17)
/// ```
///
/// - Complexity: linear in the pixels; memory holds one slice's labels, and some bytes for each component of a slice.
public struct VolumeComponents: Sendable {
    /// A component of the volume.
    public struct Component: Sendable, Hashable {
        /// How many voxels it has.
        public fileprivate(set) var voxels = 0
        private var sum = SIMD3<Double>.zero
        /// Its first and last column, row and slice.
        public fileprivate(set) var minimum = SIMD3<Int>(repeating: .max)
        public fileprivate(set) var maximum = SIMD3<Int>(repeating: .min)

        /// The mean of its voxels' x, y and z, counted from 0.
        public var centroid: SIMD3<Double> { sum / Double(voxels) }

        fileprivate mutating func add(x: Int, y: Int, z: Int) {
            voxels += 1
            let place = SIMD3(x, y, z)
            sum += SIMD3<Double>(Double(x), Double(y), Double(z))
            minimum = pointwiseMin(minimum, place)
            maximum = pointwiseMax(maximum, place)
        }

        fileprivate mutating func add(_ other: Component) {
            voxels += other.voxels
            sum += other.sum
            minimum = pointwiseMin(minimum, other.minimum)
            maximum = pointwiseMax(maximum, other.maximum)
        }
    }

    /// Which component of the volume each component of a slice is part of.
    public struct Numbering: Sendable {
        /// Those of at least as many voxels as were asked for, in the order in which the slices first met them; number 1 is at 0.
        public let components: [Component]
        fileprivate let numbers: [Int32]
        fileprivate let firstMembers: [Int]

        /// The number of the component that a slice's component is part of; 0 for background, and for what was too small.
        public func number(ofLabel label: Int32, inSlice slice: Int) -> Int32 {
            label == 0 ? 0 : numbers[firstMembers[slice] + Int(label) - 1]
        }
    }

    private var sets = DisjointSets(count: 0)
    private var members: [Component] = []
    private var firstMembers: [Int] = []
    private var previous: Image<Int32>?

    public init() {}

    /// Adds the next slice.
    ///
    /// - Throws: ``ImageError`` where it has another size than the one before.
    public mutating func add(_ slice: Components) throws(ImageError) {
        let (labels, z, first) = (slice.labels, firstMembers.count, members.count)
        try previous?.requireSize(of: labels)
        firstMembers.append(first)
        members += [Component](repeating: Component(), count: slice.count)
        sets.grow(by: slice.count)
        for y in 0..<labels.height {
            for x in 0..<labels.width where labels.values[y * labels.width + x] > 0 {
                members[first + Int(labels.values[y * labels.width + x]) - 1].add(x: x, y: y, z: z)
            }
        }
        if let previous {
            let firstBelow = firstMembers[z - 1]
            sets.join { join in
                var last: (Int32, Int32) = (0, 0)
                for (below, here) in zip(previous.values, labels.values) where below > 0 && here > 0 && (below, here) != last {
                    join(firstBelow + Int(below) - 1, first + Int(here) - 1)
                    last = (below, here)
                }
            }
        }
        previous = labels
    }

    /// The components of all slices that were added.
    ///
    /// - Parameter leastVoxels: smaller ones get no number.
    public consuming func finished(leastVoxels: Int = 1) -> Numbering {
        let (members, firstMembers) = (members, firstMembers)
        let (sets, count) = sets.numbered()
        var joined = [Component](repeating: Component(), count: count)
        for (member, set) in zip(members, sets) { joined[Int(set)].add(member) }
        var components: [Component] = []
        let numbers = joined.map { component -> Int32 in
            guard component.voxels >= leastVoxels else { return 0 }
            components.append(component)
            return Int32(components.count)
        }
        return Numbering(components: components, numbers: sets.map { numbers[Int($0)] }, firstMembers: firstMembers)
    }
}
