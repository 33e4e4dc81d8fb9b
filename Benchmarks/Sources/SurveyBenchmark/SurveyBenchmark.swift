import Basics
import Glibc
import Volumes

/// Measures the survey of a volume against `sha256sum`, which is the floor for anything that digests a file.
///
///     survey-benchmark make FILE.mrc GIB [constant|noise]   writes a float32 tomogram of that size
///     survey-benchmark survey FILE [RUNS]                   times VolumeSurvey.run, and prints what it found
///     survey-benchmark pread FILE | mmap FILE               sums the words of a file, read or mapped
///     survey-benchmark read FILE all|slices|blocks [RUNS]   reads a volume whole in layers of chunks, slice by slice, or in
///                                                           blocks of 96³ that overlap by 32, each time opened anew
@main
enum SurveyBenchmark {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count > 2 else {
            print("usage: survey-benchmark make|survey|pread|mmap FILE …")
            exit(2)
        }
        let path = arguments[2]
        switch arguments[1] {
        case "make":
            let slices = (arguments.count > 3 ? Int(arguments[3]) ?? 1 : 1) << 8
            try make(path, slices: max(1, slices), isConstant: arguments.last == "constant")
        case "survey":
            try survey(path, runs: arguments.count > 3 ? Int(arguments[3]) ?? 1 : 1)
        case "read":
            try readBoxes(
                path, how: arguments.count > 3 ? arguments[3] : "all", runs: arguments.count > 4 ? Int(arguments[4]) ?? 1 : 1)
        case "pread":
            time("pread") { sumByRead(path) }
        case "mmap":
            time("mmap") { sumByMap(path) }
        default:
            print("unknown benchmark \(arguments[1])")
            exit(2)
        }
    }

    /// Slices of 1024 × 1024 float32 voxels: the sum of four uniform numbers, nearly normal, as tomograms are.
    static func make(_ path: String, slices: Int, isConstant: Bool) throws {
        guard let shape = VolumeShape(z: slices, y: 1024, x: 1024), let slice = VolumeShape(z: 1, y: 1024, x: 1024) else {
            return
        }
        let writer = try MRCWriter(
            OutputFile(path, replacing: true, protecting: .none), shape: shape, scalarType: .float32,
            voxelSize: VoxelSize(cubicInAngstroms: 10))
        var state: UInt64 = 1
        for _ in 0..<slices {
            let buffer = VoxelBuffer(shape: slice, scalarType: .float32) { bytes in
                let values = bytes.assumingMemoryBound(to: Float.self)
                for index in values.indices {
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    let sum = (state >> 48) + (state >> 32 & 0xffff) + (state >> 24 & 0xffff) + (state >> 20 & 0xffff)
                    values[index] = isConstant ? 0 : (Float(sum) - 131_070) / 16_384
                }
            }
            try writer.append(buffer)
        }
        try writer.finish()
    }

    static func survey(_ path: String, runs: Int) throws {
        for _ in 0..<max(1, runs) {
            let volume = try VolumeLocation(parsing: path).open()
            let survey = try time("survey") { try VolumeSurvey.run(volume) }
            if let statistics = survey.statistics {
                print(
                    survey.digest.abbreviated, statistics, [0.1, 50, 99.9].compactMap(survey.percentile),
                    survey.histogram.keys.count)
            }
            if let volume = volume as? ZarrVolume { print("chunks decoded \(volume.decodedChunkCount)") }
        }
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        print("peak resident memory \(usage.ru_maxrss / 1024) MiB")
    }

    static func readBoxes(_ path: String, how: String, runs: Int) throws {
        for _ in 0..<max(1, runs) {
            let volume = try VolumeLocation(parsing: path).open()
            let decoded = (volume as? ZarrVolume)?.decodedChunkCount ?? 0
            let sum = try time("read \(how)") {
                var sum: UInt64 = 0
                for box in boxes(of: volume, how: how) {
                    sum &+= try volume.read(box).bytes.withUnsafeBytes { words($0) }
                }
                return sum
            }
            if let volume = volume as? ZarrVolume {
                let grid = [
                    (volume.shape.z, volume.chunkShape.z), (volume.shape.y, volume.chunkShape.y),
                    (volume.shape.x, volume.chunkShape.x),
                ].map { ($0 + $1 - 1) / $1 }.reduce(1, *)
                print("chunks decoded \(volume.decodedChunkCount - decoded) of \(grid); sum \(sum)")
            }
        }
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        print("peak resident memory \(usage.ru_maxrss / 1024) MiB")
    }

    static func boxes(of volume: any Volume, how: String) -> [Box] {
        let shape = volume.shape
        func starts(_ length: Int, _ side: Int, _ step: Int) -> [Range<Int>] {
            stride(from: 0, to: max(1, length - (side - step)), by: step).map { $0..<min($0 + side, length) }
        }
        let (side, step) = how == "blocks" ? (96, 64) : (Int.max / 4, Int.max / 4)
        let depth = how == "blocks" ? 96 : how == "slices" ? 1 : volume.chunkShape.z
        return starts(shape.z, depth, how == "blocks" ? 64 : depth).flatMap { z in
            starts(shape.y, side, step).flatMap { y in starts(shape.x, side, step).compactMap { Box(z: z, y: y, x: $0) } }
        }
    }

    /// Reads a file into one reused buffer.
    static func sumByRead(_ path: String) -> UInt64 {
        let descriptor = open(path, O_RDONLY)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer {
            buffer.deallocate()
            close(descriptor)
        }
        var sum: UInt64 = 0
        while true {
            let count = read(descriptor, buffer.baseAddress, buffer.count)
            guard count > 0 else { return sum }
            sum &+= words(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }

    static func sumByMap(_ path: String) -> UInt64 {
        let descriptor = open(path, O_RDONLY)
        defer { close(descriptor) }
        var status = stat()
        fstat(descriptor, &status)
        let size = Int(status.st_size)
        guard let map = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), map != MAP_FAILED else { return 0 }
        defer { munmap(map, size) }
        madvise(map, size, MADV_SEQUENTIAL)
        return words(UnsafeRawBufferPointer(start: map, count: size))
    }

    static func words(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var sum = SIMD8<UInt64>.zero
        for index in 0..<bytes.count / 64 {
            sum &+= bytes.loadUnaligned(fromByteOffset: index * 64, as: SIMD8<UInt64>.self)
        }
        return sum.wrappedSum()
    }

    @discardableResult
    static func time<Result>(_ name: String, _ body: () throws -> Result) rethrows -> Result {
        let start = ContinuousClock.now
        let result = try body()
        print(name, ContinuousClock.now - start)
        return result
    }
}
