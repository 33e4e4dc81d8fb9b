public import Basics

/// The 26-connected components (``VolumeConnectivity``) of a volume whose masks are added slice by slice.
///
/// ```swift
/// var joined = VolumeComponents()
/// for mask in masks { try joined.add(mask) }
/// let numbering = joined.finished()
/// // In a second pass over the same masks:
/// let numbers = try numbering.numbers(of: masks[17], inSlice: 17)
/// ```
///
/// - Complexity: linear in the pixels. Memory is the labels of one slice, and about 130 bytes for each component of a
///   slice.
public struct VolumeComponents: Sendable {
    /// A component of the volume.
    public struct Component: Sendable, Hashable {
        /// The number of voxels.
        public fileprivate(set) var voxels = 0
        private var sum = SIMD3<Double>.zero
        /// The least x, y and z of its voxels, 0-based.
        public fileprivate(set) var minimum = SIMD3<Int>(repeating: .max)
        /// The greatest x, y and z of its voxels, 0-based.
        public fileprivate(set) var maximum = SIMD3<Int>(repeating: .min)

        /// The mean (x, y, z) of its voxels, 0-based.
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

    /// The components of the volume, and the mapping from the components of each slice to them.
    public struct Numbering: Sendable {
        /// The components with at least `leastVoxels` voxels, in the order of their first voxels; component 1 is at index 0.
        public let components: [Component]
        /// For each component of a slice the number of its component of the volume; 0 where that is too small.
        fileprivate let numbers: [Int32]
        /// For each slice the index of its first component in `numbers`; the last entry is the number of entries.
        fileprivate let firstMembers: [Int]

        /// The number of each pixel's component, `[y][x]`; 0 for background and for components that are too small.
        ///
        /// - Parameter mask: the same mask that was added as this slice.
        /// - Throws: ``ImageError`` where the slice was not added, or the mask has another number of components.
        /// - Complexity: as for ``Image/components(_:)``.
        public func numbers(of mask: Mask, inSlice slice: Int) throws(ImageError) -> Image<Int32> {
            let components = mask.components(VolumeConnectivity.withinSlice)
            guard slice >= 0, slice + 1 < firstMembers.count,
                components.count == firstMembers[slice + 1] - firstMembers[slice]
            else {
                throw ImageError(
                    .invalidParameter,
                    "slice \(slice) has \(components.count) components, unlike the mask that was added; hand over the same masks")
            }
            return components.labels.relabelled(by: [0] + numbers[firstMembers[slice]..<firstMembers[slice + 1]])
        }
    }

    /// The components of the slices; those that belong together are joined.
    private var sets = DisjointSets(count: 0)
    /// The measures of each component of a slice.
    private var members: [Component] = []
    /// For each slice the index of its first member.
    private var firstMembers: [Int] = []
    /// The labels of the slice before.
    private var previous: Image<Int32>?

    /// A volume without slices.
    public init() {}

    /// Adds the next slice.
    ///
    /// - Throws: ``ImageError`` where it has another size than the slice before.
    /// - Complexity: a few passes over the pixels.
    public mutating func add(_ mask: Mask) throws(ImageError) {
        try previous?.requireSize(of: mask)
        let slice = mask.components(VolumeConnectivity.withinSlice)
        let (labels, z, first) = (slice.labels, firstMembers.count, members.count)
        firstMembers.append(first)
        members += [Component](repeating: Component(), count: slice.count)
        sets.grow(by: slice.count)
        for y in 0..<labels.height {
            for x in 0..<labels.width where labels.values[y * labels.width + x] > 0 {
                members[first + Int(labels.values[y * labels.width + x]) - 1].add(x: x, y: y, z: z)
            }
        }
        if let previous { join(labels, first, to: previous, firstMembers[z - 1]) }
        previous = labels
    }

    /// Joins the components of a slice to those of the slice before that they touch.
    ///
    /// - Parameters:
    ///   - first: the member of the first component of this slice.
    ///   - firstBelow: the member of the first component of the slice before.
    private mutating func join(_ labels: Image<Int32>, _ first: Int, to previous: Image<Int32>, _ firstBelow: Int) {
        let (height, width, reach) = (labels.height, labels.width, VolumeConnectivity.reach)
        labels.values.withUnsafeBufferPointer { labels in
            previous.values.withUnsafeBufferPointer { previous in
                sets.join { join in
                    var last: (Int32, Int32) = (0, 0)
                    for y in 0..<height {
                        let rows = max(0, y - reach)...min(height - 1, y + reach)
                        for x in 0..<width {
                            let here = labels[y &* width &+ x]
                            guard here > 0 else { continue }
                            for row in rows {
                                for column in max(0, x - reach)...min(width - 1, x + reach) {
                                    let below = previous[row &* width &+ column]
                                    guard below > 0, (below, here) != last else { continue }
                                    join(firstBelow + Int(below) - 1, first + Int(here) - 1)
                                    last = (below, here)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// The components of all slices that were added.
    ///
    /// - Parameter leastVoxels: components with fewer voxels are left out.
    public consuming func finished(leastVoxels: Int = 1) -> Numbering {
        let (members, firstMembers) = (members, firstMembers + [members.count])
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

/// The connectivity of volumes everywhere in the program: voxels that share a face, an edge or a corner are neighbours
/// (26-connected).
///
/// Within a slice it is ``Connectivity/eight``, so that a component of a slice belongs to one component of the volume. It
/// cannot be chosen: the components that one step counts or drops must be those that the next step measures.
public enum VolumeConnectivity {
    /// The greatest distance of two neighbours along an axis, in voxels.
    public static let reach = 1
    /// The connectivity within a slice.
    public static let withinSlice = Connectivity.eight
}
