import Basics
import ImageProcessing
import TestSupport
import Testing

@testable import Cellpose

@Suite("Masks from flows")
struct CellposeMaskTests {
    private static func masks(
        _ row: GoldenRow, of said: NetworkSays, _ counting: MaskCleanup.Counting
    ) throws -> Image<Int32> {
        let limit: Double = try row.value("limit")
        let method = try CellposeMasks(
            probabilityThreshold: row.value("threshold"), iterations: row.value("iterations"),
            errorLimit: limit == 0 ? nil : limit,
            largestFraction: row.value("fraction"), smallestArea: row.value("area"), counting: counting)
        let (height, width): (Int, Int) = (try row.value("resized_height"), try row.value("resized_width"))
        return try method(
            flowY: said.flowY, flowX: said.flowX, probability: said.probability,
            resizedTo: height == 0 ? nil : (height, width))
    }

    @Test("equal CellPose's in every pixel, of flows with noise, turned flows, all sizes and parameters")
    func equalCellpose() throws {
        let rows = try GoldenFile("dynamics/masks.csv", in: .module).rows()
        #expect(rows.count >= 200)
        for row in rows {
            let (height, width): (Int, Int) = (try row.value("height"), try row.value("width"))
            let said = try NetworkSays(of: row.labels(), seed: row.value("seed"), row.kind("condition"))
            #expect(try digest(said.flowY, said.flowX, said.probability) == row.text("said"), "\(row)")
            let masks = try Self.masks(row, of: said, .cellpose)
            #expect(try digest(masks) == row.text("stable"), "\(row)")
            #expect(try digest(Self.masks(row, of: said, .byLabel)) == row.text("by_label"), "\(row)")
            let ties: Int = try row.value("ties")
            #expect(ties * 200 <= height * width, "\(row)")
            #expect(try ties > 0 || digest(masks) == row.text("masks"), "\(row)")
            #expect(try ties > 0 || masks.values.max() == row.value("count"), "\(row)")
        }
    }

    @Test("of the flows of separate objects are the objects", arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func roundTrip(seed: UInt64) throws {
        let labels = try #require(SyntheticLabels.discs.make(height: 145, width: 170, seed: seed))
        let said = try NetworkSays(of: labels, seed: seed, .clean)
        let masks = try CellposeMasks()(flowY: said.flowY, flowX: said.flowX, probability: said.probability)
        #expect(masks == labels.renumbered())
    }

    @Test("of nothing are nothing")
    func empty() throws {
        for (height, width) in [(1, 1), (1, 9), (4, 3), (5, 5), (64, 33)] {
            let zero = try #require(Image<Float>(height: height, width: width, repeating: 0))
            let masks = try CellposeMasks()(flowY: zero, flowX: zero, probability: zero)
            #expect(masks == zero.map { _ in 0 })
            #expect(try CellposeMasks()(flowY: zero, flowX: zero, probability: zero.map { _ in 9 }) == masks)
        }
    }

    @Test("flows beyond all measure end at the border")
    func hugeFlows() throws {
        for value in [Float.greatestFiniteMagnitude, -Float.greatestFiniteMagnitude, 1e30, 3e9] {
            let flow = try #require(Image<Float>(height: 8, width: 12, repeating: value))
            let points = try FlowDynamics()(FlowField(y: flow, x: flow), in: flow.map { _ in true })
            let end = value > 0 ? SIMD2<Float>(7, 11) : .zero
            #expect(points.positions.allSatisfy { $0 == end })
            let masks = try CellposeMasks()(flowY: flow, flowX: flow, probability: flow.map { _ in 1 })
            #expect(masks.values.allSatisfy { $0 == 0 })
        }
    }

    @Test("numbers that are not finite are refused, and named", arguments: [Float.nan, .infinity, -.infinity])
    func notFinite(value: Float) throws {
        let zero = try #require(Image<Float>(height: 6, width: 7, repeating: 0))
        var bad = zero
        bad[y: 3, x: 4] = value
        for (y, x, probability) in [(bad, zero, zero), (zero, bad, zero), (zero, zero, bad)] {
            let error = try #require(throws: FlowError.self) { try CellposeMasks()(flowY: y, flowX: x, probability: probability) }
            #expect(error.code == .notFinite && error.message.contains("row 3, column 4"))
        }
    }

    @Test("sizes that differ are refused")
    func sizes() throws {
        let (a, b) = (
            try #require(Image<Float>(height: 6, width: 7, repeating: 0)),
            try #require(Image<Float>(height: 7, width: 6, repeating: 0))
        )
        for (y, x, probability) in [(b, a, a), (a, b, a), (a, a, b)] {
            let error = try #require(throws: FlowError.self) { try CellposeMasks()(flowY: y, flowX: x, probability: probability) }
            #expect(error.code == .invalidSize)
        }
        for (height, width) in [(0, 5), (5, -1), (70_000, 5)] {
            #expect(throws: FlowError.self) {
                try CellposeMasks()(flowY: a, flowX: a, probability: a, resizedTo: (height, width))
            }
        }
    }

    @Test("parameters outside their ranges are refused")
    func parameters() {
        #expect(throws: FlowError.self) { try CellposeMasks(probabilityThreshold: .nan) }
        #expect(throws: FlowError.self) { try CellposeMasks(iterations: -1) }
        #expect(throws: FlowError.self) { try CellposeMasks(errorLimit: 0) }
        #expect(throws: FlowError.self) { try CellposeMasks(largestFraction: 1.1) }
        #expect(throws: FlowError.self) { try CellposeMasks(largestFraction: .nan) }
        #expect(throws: FlowError.self) { try CellposeMasks(smallestArea: -1) }
    }

    @Test("steps that go in circles are left out without a trace")
    func circles() throws {
        // Flows that throw points to and fro, around, and on for good.
        let labels = try #require(SyntheticLabels.touching.make(height: 40, width: 44, seed: 4))
        for condition in NetworkSays.Condition.allCases {
            let said = try NetworkSays(of: labels, seed: 6, condition)
            let foreground = said.probability.map { $0 > -3 }
            var points = try FlowDynamics(iterations: 0)(said.field, in: foreground).positions
            let sampler = FlowSampler(try said.field, in: foreground)
            for steps in 1...150 {
                points.withUnsafeMutableBufferPointer { sampler.follow($0, iterations: 1) }
                guard steps % 30 < 2 else { continue }
                #expect(try FlowDynamics(iterations: steps)(said.field, in: foreground).positions == points)
            }
        }
    }
}
