public import Basics
internal import Tensors

/// A row near to a query.
public struct DescriptorNeighbor: Hashable, Sendable {
    /// The number of the row, counted from 0.
    public let index: Int
    /// The Euclidean distance of the standardised descriptors.
    public let distance: Float

    public init(index: Int, distance: Float) { (self.index, self.distance) = (index, distance) }
}

/// Finds the rows nearest to a query among descriptors in float16, exactly: every row is compared.
///
/// Rows come in blocks of any size, so that memory does not grow with their number. A block is compared on the threads of the
/// pool (`Threads`). A row's distance is the same sum in the same order whatever the thread, and of equal distances the lower
/// number wins: results are the same bits for any number of threads and any blocks.
///
/// ```swift
/// var search = try DescriptorSearch(query: row, count: 50)
/// while let block = try nextBlock() { try search.add(block) }   // rows [row][component] as float16 bit patterns
/// for neighbor in search.neighbors { print(neighbor.index, neighbor.distance) }
/// ```
///
/// Rounding to float16 moves a component by at most 2⁻¹¹ of itself: distances by some 0.03 %.
public struct DescriptorSearch: Sendable {
    private let query: [Float]
    private let count: Int
    /// The number of rows so far.
    public private(set) var rows = 0
    /// A heap of squared distances, the worst one first.
    private var heap: [Candidate] = []

    private struct Candidate: Sendable {
        let square: Float
        let index: Int

        /// Whether this one is nearer than another, or as near with a lower number.
        func comes(before other: Candidate) -> Bool { (square, index) < (other.square, other.index) }
    }

    /// Rows that a thread widens and compares at a time: their floats stay in its cache.
    private static let rowsAtATime = 64
    private static let rowsOfAThread = 2048
    private static let rowsOfABlock = 1 << 16

    /// - Parameters:
    ///   - query: a standardised descriptor, 1 to 4096 components.
    ///   - count: the number of neighbours, 1 to 100,000.
    /// - Throws: ``MiningError`` where a number is out of range, or a component NaN or infinite.
    public init(query: [Float], count: Int) throws(MiningError) {
        guard (1...4096).contains(query.count) else {
            throw .parameter("the number of components of a query", query.count, mustBe: "1 to 4096")
        }
        guard (1...100_000).contains(count) else { throw .parameter("the number of neighbours", count, mustBe: "1 to 100000") }
        guard query.allSatisfy(\.isFinite) else {
            throw MiningError(.invalidInput, "the query has a component that is NaN or infinite; describe its particle again")
        }
        (self.query, self.count) = (query, count)
        heap.reserveCapacity(count)
    }

    /// Compares the next rows, `[row][component]` as bit patterns of float16. The first row of all is number 0.
    ///
    /// - Throws: ``MiningError`` where the block is no whole number of rows, or a number of it is NaN or infinite: begin
    ///   another search then.
    /// - Complexity: one multiplication for each number of the rows.
    public mutating func add(_ block: UnsafeBufferPointer<UInt16>) throws(MiningError) {
        let dimension = query.count
        guard block.count % dimension == 0 else {
            throw MiningError(
                .invalidSize,
                "\(block.count) numbers are no whole number of rows of \(dimension); give descriptors of the query's parts")
        }
        let total = block.count / dimension
        var first = 0
        while first < total {
            let end = min(first + Self.rowsOfABlock, total)
            let part = UnsafeBufferPointer(rebasing: block[first * dimension..<end * dimension])
            let squares = Self.squares(of: part, to: query)
            if let bad = squares.firstIndex(where: { !$0.isFinite }) { throw .notFinite(row: rows + bad) }
            for (offset, square) in squares.enumerated() { offer(Candidate(square: square, index: rows + offset)) }
            rows += end - first
            first = end
        }
    }

    /// Compares the next rows, `[row][component]` as bit patterns of float16; see the other `add(_:)`.
    public mutating func add(_ block: [UInt16]) throws(MiningError) {
        let result = block.withUnsafeBufferPointer { block in Result { () throws(MiningError) in try add(block) } }
        try result.get()
    }

    /// The nearest rows so far, the nearest first; fewer than asked for where there are fewer rows.
    public var neighbors: [DescriptorNeighbor] {
        heap.sorted { $0.comes(before: $1) }.map { DescriptorNeighbor(index: $0.index, distance: $0.square.squareRoot()) }
    }

    /// The bit patterns of a row in float16, rounded to nearest.
    ///
    /// - Throws: ``MiningError`` where a component is NaN, or 65,520 or more in magnitude.
    public static func stored(_ row: [Float]) throws(MiningError) -> [UInt16] {
        let halves = row.map { Float16($0) }
        guard halves.allSatisfy(\.isFinite) else {
            throw MiningError(
                .invalidInput,
                "a component of a descriptor is NaN or beyond the numbers of float16; standardise descriptors first")
        }
        return halves.map(\.bitPattern)
    }

    /// Keeps a candidate if it is among the nearest.
    private mutating func offer(_ candidate: Candidate) {
        if heap.count < count {
            heap.append(candidate)
            var place = heap.count - 1
            while place > 0, heap[(place - 1) / 2].comes(before: heap[place]) {
                heap.swapAt(place, (place - 1) / 2)
                place = (place - 1) / 2
            }
        } else if candidate.comes(before: heap[0]) {
            heap[0] = candidate
            var place = 0
            while true {
                var worst = place
                for child in 2 * place + 1...2 * place + 2 where child < heap.count && heap[worst].comes(before: heap[child]) {
                    worst = child
                }
                guard worst != place else { break }
                heap.swapAt(place, worst)
                place = worst
            }
        }
    }

    /// The squared distance of each row.
    private static func squares(of block: UnsafeBufferPointer<UInt16>, to query: [Float]) -> [Float] {
        let dimension = query.count
        let total = block.count / dimension
        return [Float](unsafeUninitializedCapacity: total) { squares, initialized in
            initialized = total
            guard let target = squares.baseAddress else { return }
            let chunks = (total + rowsOfAThread - 1) / rowsOfAThread
            // Chunks write to different rows.
            nonisolated(unsafe) let output = target
            Threads.perform(chunks) { chunk in
                let rows = chunk * rowsOfAThread..<min((chunk + 1) * rowsOfAThread, total)
                withUnsafeTemporaryAllocation(of: Float.self, capacity: rowsAtATime * dimension) { floats in
                    for first in stride(from: rows.lowerBound, to: rows.upperBound, by: rowsAtATime) {
                        let count = min(rowsAtATime, rows.upperBound - first)
                        let widened = UnsafeMutableBufferPointer(rebasing: floats[..<(count * dimension)])
                        let halves = block[first * dimension..<(first + count) * dimension]
                        Float16.widen(UnsafeBufferPointer(rebasing: halves), into: widened)
                        query.withUnsafeBufferPointer { query in
                            for row in 0..<count { output[first + row] = square(floats, row * dimension, query) }
                        }
                    }
                }
            }
        }
    }

    /// The squared distance of a row: sixteen sums side by side, then what is left.
    @inline(__always)
    private static func square(
        _ rows: UnsafeMutableBufferPointer<Float>, _ start: Int, _ query: UnsafeBufferPointer<Float>
    ) -> Float {
        guard let a = rows.baseAddress, let b = query.baseAddress else { return 0 }
        let (row, query, count) = (UnsafeRawPointer(a + start), UnsafeRawPointer(b), query.count)
        var (low, high) = (SIMD8<Float>(), SIMD8<Float>())
        var place = 0
        while place + 16 <= count {
            let first =
                row.loadUnaligned(fromByteOffset: 4 * place, as: SIMD8<Float>.self)
                - query.loadUnaligned(fromByteOffset: 4 * place, as: SIMD8<Float>.self)
            let second =
                row.loadUnaligned(fromByteOffset: 4 * place + 32, as: SIMD8<Float>.self)
                - query.loadUnaligned(fromByteOffset: 4 * place + 32, as: SIMD8<Float>.self)
            low += first * first
            high += second * second
            place += 16
        }
        var rest: Float = 0
        while place < count {
            let difference = a[start + place] - b[place]
            rest += difference * difference
            place += 1
        }
        return (low + high).sum() + rest
    }
}
