import ImageProcessing
import Tensors
import TestSupport
import Testing

@testable import Cellpose

@Suite("Flows of labels")
struct FlowTargetTests {
    @Test("equal CellPose's labels_to_flows in every bit: 52 label images, by digest")
    func equalCellpose() throws {
        let rows = try GoldenFile("dynamics/flows.csv", in: .module).rows()
        #expect(rows.count == 52)
        for row in rows {
            let flows = try FlowTargets()(row.labels())
            #expect(try digest(flows.y, flows.x) == row.text("flows"), "\(row)")
        }
    }

    @Test("lie within 1e-5 of CellPose's, number by number", arguments: [SyntheticLabels.touching, .ellipses, .rings])
    func nearCellpose(kind: SyntheticLabels) throws {
        let flows = try FlowTargets()(#require(kind.make(height: 48, width: 50, seed: 900)))
        let golden = try GoldenFile("dynamics/flows-\(kind.rawValue).f4", in: .module).floats()
        #expect(golden.count == 2 * 48 * 50)
        for (ours, theirs) in zip(flows.y.values + flows.x.values, golden) { #expect(abs(ours - theirs) <= 1e-5) }
    }

    @Test("have length 1 on objects and 0 elsewhere", arguments: SyntheticLabels.allCases)
    func lengths(kind: SyntheticLabels) throws {
        let labels = try #require(kind.make(height: 50, width: 61, seed: 3))
        let flows = try FlowTargets()(labels)
        for (index, label) in labels.values.enumerated() {
            let (y, x) = (flows.y.values[index], flows.x.values[index])
            let length = (y * y + x * x).squareRoot()
            // At the centre of a symmetric object there is no slope.
            #expect(length == 0 || label > 0 && abs(length - 1) < 1e-6)
        }
    }

    @Test("do not depend on how objects are numbered, nor on how many threads there are")
    func numbering() throws {
        for kind in [SyntheticLabels.touching, .nested, .mosaic] {
            let labels = try #require(kind.make(height: 70, width: 64, seed: 5))
            let flows = try FlowTargets()(labels)
            #expect(try FlowTargets()(labels.map { $0 == 0 ? 0 : Int32.max - 7 * $0 }) == flows)
            #expect(try FlowTargets()(labels.map { $0 == 0 ? -3 : $0 }) == flows)
            let before = Threads.count
            defer { Threads.count = before }
            Threads.count = 1
            #expect(try FlowTargets()(labels) == flows)
        }
    }

    @Test("of one pixel, and of no iterations, are 0; a negative number of iterations is refused")
    func degenerate() throws {
        let one = try #require(Image<Int32>(height: 1, width: 1, values: [7]))
        let zero = try #require(Image<Float>(height: 1, width: 1, values: [0]))
        #expect(try FlowTargets()(one) == FlowField(y: zero, x: zero))
        let labels = try #require(SyntheticLabels.discs.make(height: 30, width: 30, seed: 1))
        #expect(try FlowTargets(iterations: 0)(labels).y == labels.map { _ in 0 })
        #expect(throws: FlowError.self) { try FlowTargets(iterations: -1) }
    }

    @Test("the part of an object that its centre is not connected with has none")
    func disconnected() throws {
        let labels = try #require(Image<Int32>(height: 1, width: 8, values: [1, 1, 1, 1, 1, 0, 0, 1]))
        let flows = try FlowTargets()(labels)
        #expect(flows.x.values == [1, 1, 1, 1, -1, 0, 0, 0] || flows.x.values == [1, 1, 1, -1, -1, 0, 0, 0])
    }
}
