import ImageProcessing
import TestSupport
import Testing

@testable import Cellpose

@Suite("Check of masks by their flows")
struct FlowErrorTests {
    @Test("errors equal CellPose's flow_error in every bit")
    func equalCellpose() throws {
        for row in try GoldenFile("dynamics/errors.csv", in: .module).rows() {
            let labels = try row.labels()
            let said = try NetworkSays(of: labels, seed: row.value("seed"), .turned)
            // A gap in the labels must not matter.
            let withGap = labels.map { $0 == 3 ? 0 : $0 }
            let errors = try FlowErrorCheck().errors(of: withGap, flows: said.field)
            #expect(
                try errors.map(\.error) == row.text("errors").split(separator: " ").map { try #require(Double($0)) }, "\(row)")
        }
    }

    @Test("objects whose flows are turned are dropped, others keep their labels")
    func turned() throws {
        let labels = try #require(SyntheticLabels.discs.make(height: 96, width: 96, seed: 2))
        let said = try NetworkSays(of: labels, seed: 1, .turned)
        let kept = try FlowErrorCheck()(labels, flows: said.field)
        #expect(kept == labels.map { $0 % 3 == 2 || $0 % 5 == 3 ? 0 : $0 })
        #expect(try FlowErrorCheck(limit: .infinity)(labels, flows: said.field) == labels)
    }

    @Test("of opposite flows is 4, of none 1")
    func values() throws {
        let labels = try #require(Image<Int32>(height: 1, width: 4, values: [9, 9, 9, 9]))
        let flow = try FlowTargets()(labels)
        func error(factor: Float) throws -> Double {
            let field = try FlowField(y: flow.y, x: flow.x.map { $0 * factor })
            return try #require(try FlowErrorCheck().errors(of: labels, flows: field).first?.error)
        }
        #expect(try error(factor: 5) == 0)
        #expect(try error(factor: 0) == 1)
        #expect(try error(factor: -5) == 4)
    }

    @Test("sizes that differ, and a limit that is not positive, are refused")
    func refused() throws {
        let labels = try #require(Image<Int32>(height: 2, width: 3, repeating: 1))
        let flow = try #require(Image<Float>(height: 3, width: 2, repeating: 0))
        let field = try FlowField(y: flow, x: flow)
        #expect(throws: FlowError.self) { try FlowErrorCheck()(labels, flows: field) }
        for limit in [0, -1, Double.nan] { #expect(throws: FlowError.self) { try FlowErrorCheck(limit: limit) } }
    }
}
