import Basics
import BenchmarkSupport
import Foundation
import Mining
import Tensors

/// What describing particles and searching descriptors takes, and the rows of boxes that another program made.
enum DescriptorBenchmark {
    private static let rounds = 5

    /// The nearest 50 of random rows in float16, on one thread and on two.
    static func search(rows: Int, components: Int) throws {
        var random = RandomStream(seed: 2)
        let block = (0..<rows * components).map { _ in Float16(3 * random.signedUnit()).bitPattern }
        let query = (0..<components).map { _ in random.signedUnit() }
        var first: [DescriptorNeighbor]?
        for threads in [1, 2] {
            Threads.count = threads
            var (seconds, found) = ([Double](), [DescriptorNeighbor]())
            for _ in 0..<rounds {
                let use = try ProcessUse.measure {
                    var search = try DescriptorSearch(query: query, count: min(50, rows))
                    try search.add(block)
                    found = search.neighbors
                }
                seconds.append(use.seconds)
            }
            let middle = Report.median(seconds)
            let rate = Double(2 * block.count) / middle / 1e9
            let same = first.map { $0 == found ? ", the same neighbours" : ", OTHER NEIGHBOURS" } ?? ""
            first = first ?? found
            Report.row(
                "Cellar: search of \(rows) rows of \(components), \(threads) thread\(threads == 1 ? "" : "s")",
                "\(Report.text(1000 * middle, 1)) ms (\(Report.text(rate, 1)) GB/s, \(found.count) found\(same))")
        }
    }

    /// A box of noise at three sizes, with all parts, on one thread.
    static func describeTime() throws {
        Threads.count = 1
        for (voxelSize, radius) in [(13.48, 115.0), (10, 115), (10, 160)] {
            let begin = ProcessUse.now
            let maker = try DescriptorMaker(
                parts: ParticleDescriptor.Part.ofDensities, voxelSizeInAngstroms: voxelSize, radiusInAngstroms: radius)
            let made = ProcessUse.now.since(begin)
            var random = RandomStream(seed: 1)
            let side = maker.sideInVoxels
            let box = (0..<side * side * side).map { _ in Float(random.normal()) }
            let boxes = 20
            let seconds = try (0..<rounds).map { _ in
                try ProcessUse.measure { for _ in 0..<boxes { _ = try maker.describe(box: box) } }.seconds / Double(boxes)
            }
            Report.row(
                "Cellar: describe a box of side \(side), \(maker.descriptor.count) components, one thread",
                "\(Report.text(1000 * Report.median(seconds))) ms (once \(Report.text(1000 * made.seconds, 1)) ms before)")
        }
    }

    /// The side of the boxes that ``describe(boxes:rows:voxelSize:radius:tilt:parts:)`` reads.
    static func side(voxelSize: Double, radius: Double) throws -> Int {
        try DescriptorMaker(voxelSizeInAngstroms: voxelSize, radiusInAngstroms: radius).sideInVoxels
    }

    /// Describes boxes of a file, one after the other, and writes their rows; one box is in memory at a time.
    ///
    /// - Parameter tilt: the greatest tilt to both sides in degrees; 90 where nothing is missing.
    static func describe(boxes: String, rows: String, voxelSize: Double, radius: Double, tilt: Double, parts: String) throws {
        let wedge = tilt == 90 ? MissingWedge.none : try MissingWedge(tiltsInDegrees: -abs(tilt)...abs(tilt))
        let maker = try DescriptorMaker(
            parts: ParticleDescriptor(parsing: parts).parts, voxelSizeInAngstroms: voxelSize, radiusInAngstroms: radius,
            wedge: wedge)
        let count = maker.sideInVoxels * maker.sideInVoxels * maker.sideInVoxels
        let input = try FileHandle(forReadingFrom: URL(fileURLWithPath: boxes))
        var described: [Float] = []
        while let data = try input.read(upToCount: 4 * count), !data.isEmpty {
            // The last one of a file of other boxes is shorter, which the maker says.
            let box = [Float](unsafeUninitializedCapacity: data.count / 4) { buffer, initialized in
                initialized = data.copyBytes(to: buffer) / 4
            }
            described += try maker.describe(box: box)
        }
        try described.withUnsafeBytes { try Data($0).write(to: URL(fileURLWithPath: rows)) }
    }
}
