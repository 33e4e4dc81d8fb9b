import Basics
import Foundation
import TestSupport
import Testing
import Volumes

private let python = PythonProgram(running: "import zarr, numcodecs; assert zarr.__version__ >= '3.1'")

@Suite("zarr-python", .enabled(if: python != nil, PythonProgram.absence))
struct ZarrDifferentialTests {
    /// 40 stores, or as many as `CELLAR_ZARR_STORES` says.
    @Test("gives the same voxels of random stores")
    func randomStores() throws {
        let directory = try TemporaryDirectory()
        let environment = ProcessInfo.processInfo.environment
        let count = Int(environment["CELLAR_ZARR_STORES"] ?? "") ?? 40
        let seed = environment["CELLAR_ZARR_SEED"] ?? "1"
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Golden/random_stores.py").path
        try #require(python).run([script, directory.path, "\(count)", seed])
        var random = RandomStream(state: 1)
        for index in 0..<count {
            let text = try String(contentsOfFile: directory.file("\(index).txt"), encoding: .utf8)
            let comment: Comment = "store \(index) of seed \(seed): \(text)"
            let words = text.split(separator: " ").map(String.init)
            let numbers = words[1...5].compactMap { Int($0) }
            try #require(numbers.count == 5, comment)
            let volume = try ZarrVolume(path: directory.file("\(index).zarr"), array: nil)
            #expect("\(volume.scalarType)" == words[0], comment)
            #expect(volume.shape == VolumeShape(z: numbers[0], y: numbers[1], x: numbers[2]), comment)
            #expect(try volume.storedChunks() == StoredChunks(stored: numbers[3], total: numbers[4]), comment)
            let expected = Array(try Data(contentsOf: URL(fileURLWithPath: directory.file("\(index).raw"))))
            #expect(try volume.read(volume.shape.box).bytes == expected, comment)

            // A box of it, read anew.
            let ranges = numbers[..<3].map { count in
                let first = Int.random(in: 0..<count, using: &random)
                return first..<Int.random(in: first + 1...count, using: &random)
            }
            let box = try #require(Box(z: ranges[0], y: ranges[1], x: ranges[2]))
            let size = volume.scalarType.size
            let part = ranges[0].flatMap { z in
                ranges[1].flatMap { y in
                    let row = (z * numbers[1] + y) * numbers[2]
                    return expected[(row + ranges[2].lowerBound) * size..<(row + ranges[2].upperBound) * size]
                }
            }
            #expect(try ZarrVolume(path: directory.file("\(index).zarr"), array: nil).read(box).bytes == part, comment)
        }
    }
}
