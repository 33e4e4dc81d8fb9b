import Foundation
import Testing

@testable import Viewer

/// What the page gets of a layer: the names of the contract, each of them always.
@Suite struct ViewerLayerTests {
    @Test("a layer and a point have the same keys whether or not they have a class, a score or a state")
    func keys() throws {
        let layer = ViewerLayer(id: "segment", label: "segmentation", kind: .labels, slices: [[0, 4]], alpha: 0.5)
        let keys = try #require(JSONSerialization.jsonObject(with: JSONEncoder().encode(layer)) as? [String: Any])
        #expect(keys.keys.sorted() == ["alpha", "class", "id", "kind", "label", "slices", "step", "values"])
        #expect(keys["class"] is NSNull)
        let point = ViewerPoint(id: 1, class: "ribosome", x: 1, y: 2, z: 3, radius: 4)
        let pointKeys = try #require(JSONSerialization.jsonObject(with: JSONEncoder().encode(point)) as? [String: Any])
        #expect(pointKeys.keys.sorted() == ["class", "id", "radius", "score", "state", "x", "y", "z"])
    }
}
