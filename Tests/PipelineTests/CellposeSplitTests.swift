import Catalog
import Checkpoints
import Engine
import Foundation
import ImageProcessing
import Tensors
import TestSupport
import Testing
import Volumes

@testable import Cellpose
@testable import Pipeline

@Suite("CellPose in the step split") struct CellposeSplitTests {
    private static let settings = [
        "prepare.tiles.size": "128", "prepare.tiles.count": "1", "prepare.clahe.grid": "2", "eigenvectors.count": "4",
        "split.method": "cellpose", "split.particle.smallest_diameter": "100", "split.particle.largest_diameter": "300",
    ]

    /// A network of two levels whose output is the same everywhere: flows of 0, and this logit.
    private static func write(logit: Float, to path: String) throws {
        let tensors = NetworkLayout(widths: [2, 3, 4]).tensors.map { entry -> (String, Tensor) in
            var value: Float = entry.name.hasSuffix("running_var") ? 1 : 0
            if entry.name.hasSuffix("weight"), entry.shape.count == 1 { value = 1 }
            // A style has a length, and no length is 0.
            if entry.name.hasSuffix("bias") { value = 0.1 }
            var tensor = Tensor(shape: entry.shape, repeating: value)
            if entry.name == "output.2.bias" { tensor = Tensor(shape: entry.shape, values: [0, 0, logit]) }
            return (entry.name, tensor)
        }
        let writer = try SafetensorsWriter(.scratch(path), tensors: tensors.map { .init($0.0, $0.1.shape) })
        for (name, tensor) in tensors { try writer.write(tensor, named: name) }
        try writer.finish()
    }

    @Test("a model of the catalog is used, for mask and map; other weights make stale, and swapped files are refused")
    func model() throws {
        let collection = try PipelineCollection(PipelineCollection.discs(z: 2, side: 64), settings: Self.settings)
        try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 0..<2)
        let path = collection.directory.file("net.safetensors")
        func add() throws {
            try collection.addModel("net", at: path, kind: .cellpose)
        }
        collection.settings["split.model"] = "net"
        try Self.write(logit: -1, to: path)
        try add()
        try Self.write(logit: 1, to: path)
        let swapped = try #require(try collection.run())
        #expect(swapped.failures.first?.contains("are not those that were added") == true, "\(swapped.failures)")
        try Self.write(logit: -1, to: path)
        let report = try #require(try collection.run())
        #expect(report.isComplete, "\(report.failures)")
        let instances = try SliceInstances(collection.artifact("split", "instances", z: 0)).instances()
        #expect(instances.values.allSatisfy { $0 == 0 })
        collection.settings["split.cellpose.input"] = "map"
        #expect(try collection.run()?.isComplete == true)
        try Self.write(logit: 1, to: path)
        try add()
        // split of two slices; what comes after it stays, as there is no flow to any centre.
        #expect(try collection.run()?.progress.ran ?? 0 >= 2)
    }

    @Test("files that are no network of CellPose are refused when they are added")
    func refusals() throws {
        let directory = try TemporaryDirectory()
        try directory.write("net.safetensors", [1, 2, 3])
        #expect(throws: (any Error).self) { try ModelFiles(directory.file("net.safetensors"), kind: .cellpose).verify() }
        let writer = try SafetensorsWriter(.scratch(directory.file("other.safetensors")), tensors: [.init("weight", [2])])
        try writer.write(Tensor(shape: [2], values: [1, 2]), named: "weight")
        try writer.finish()
        #expect(throws: (any Error).self) { try ModelFiles(directory.file("other.safetensors"), kind: .cellpose).verify() }
    }

    @Test("a named pipe is no model, and nobody waits for it", .timeLimit(.minutes(1)))
    func namedPipe() throws {
        let directory = try TemporaryDirectory()
        #expect(mkfifo(directory.file("net"), 0o644) == 0)
        let files = try ModelFiles(directory.file("net"), kind: .cellpose)
        #expect(throws: (any Error).self) { try files.verify() }
        #expect(throws: (any Error).self) { try files.digest() }
    }
}
