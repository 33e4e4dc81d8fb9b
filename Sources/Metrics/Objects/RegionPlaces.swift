import Basics

/// Places at random in the regions of a label volume, each uniform over the voxels of its region.
public enum RegionPlaces {
    /// Draws places.
    ///
    /// - Parameters:
    ///   - counts: how many places in each region, by its number.
    ///   - slices: how many slices the volume has.
    ///   - width: the number of voxels in a row.
    ///   - seed: the same seed gives the same places.
    ///   - numbers: the region of each voxel of a slice, `[y][x]`.
    /// - Returns: the places (x, y, z) of each region in voxels, whole numbers being centres. A region without a voxel is left out.
    /// - Complexity: reads each slice twice, and keeps one; memory is that of the places.
    public static func draw(
        _ counts: [Int: Int], slices: Int, width: Int, seed: UInt64, numbers: (_ z: Int) throws -> [UInt16]
    ) rethrows -> [Int: [SIMD3<Double>]] {
        let regions = counts.filter { $0.key > 0 && $0.key <= Int(UInt16.max) && $0.value > 0 }.keys.sorted()
        guard let last = regions.last, width > 0 else { return [:] }
        // By number of the region: its place in `regions`, or -1.
        var places = [Int](repeating: -1, count: last + 1)
        for (index, region) in regions.enumerated() { places[region] = index }
        var sizes = [Int](repeating: 0, count: regions.count)
        for z in 0..<slices {
            for number in try numbers(z) where Int(number) <= last && places[Int(number)] >= 0 { sizes[places[Int(number)]] += 1 }
        }
        // The places are voxels by their rank in the region, in the order in which the slices give them.
        var drawn: [[(rank: Int, index: Int)]] = []
        var (streams, found): ([RandomStream], [[SIMD3<Double>]]) = ([], [])
        for (index, region) in regions.enumerated() {
            var random = RandomStream(seed: seed, purpose: 0x706c_6163_6573, piece: region)
            let count = sizes[index] > 0 ? counts[region] ?? 0 : 0
            drawn.append((0..<count).map { (random.index(below: sizes[index]), $0) }.sorted { $0.rank < $1.rank })
            streams.append(random)
            found.append([SIMD3<Double>](repeating: .zero, count: count))
        }
        var (ranks, next) = ([Int](repeating: 0, count: regions.count), [Int](repeating: 0, count: regions.count))
        for z in 0..<slices {
            for (voxel, number) in try numbers(z).enumerated() where Int(number) <= last && places[Int(number)] >= 0 {
                let region = places[Int(number)]
                while next[region] < drawn[region].count, drawn[region][next[region]].rank == ranks[region] {
                    let corner = SIMD3(Double(voxel % width), Double(voxel / width), Double(z))
                    let offset = SIMD3(streams[region].unit(), streams[region].unit(), streams[region].unit()) - 0.5
                    found[region][drawn[region][next[region]].index] = corner + offset
                    next[region] += 1
                }
                ranks[region] += 1
            }
        }
        return Dictionary(uniqueKeysWithValues: zip(regions, found)).filter { !$0.value.isEmpty }
    }
}
