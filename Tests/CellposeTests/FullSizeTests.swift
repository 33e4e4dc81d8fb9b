import Checkpoints
import Foundation
import ImageProcessing
import Tensors
import Testing

@testable import Cellpose

/// Where `make check-cellpose` put a network of full size.
private let fullSizeFolder = ProcessInfo.processInfo.environment["CELLAR_CHECK_CELLPOSE"]

/// The published architecture in files of cellpose's own, against cellpose: `make check-cellpose` makes them and names the folder.
@Suite("Full size", .enabled(if: fullSizeFolder != nil, "`make check-cellpose` runs this"))
struct FullSizeTests {
    @Test("a slice gives what cellpose gives, pixel by pixel", arguments: ["cpnet", "cpnet-older"])
    func parity(_ name: String) throws {
        let folder = try #require(fullSizeFolder)
        let golden = try Checkpoint(path: "\(folder)/golden.safetensors")
        let shape = try #require(golden.entry(named: "image")).shape
        let values = try golden.tensor(named: "image", expecting: shape).values
        let image = try #require(Image(height: shape[0], width: shape[1], values: values))
        let maps = try CellposeModel(path: "\(folder)/\(name)").maps(of: image, diameter: 25)
        let expected = try golden.tensor(named: "maps", expecting: [3] + shape).values
        let style = try golden.tensor(named: "style", expecting: [256]).values
        let error = Self.error([maps.flowY, maps.flowX, maps.cellLogit].flatMap(\.values), expected)
        let styleError = Self.error(maps.style, style)
        print("\(name): maps within \(error), style within \(styleError) of their largest values")
        #expect(error < 1e-4 && styleError < 1e-4)
    }

    private static func error(_ values: [Float], _ golden: [Float]) -> Float {
        guard values.count == golden.count else { return .infinity }
        let scale = golden.reduce(0) { max($0, abs($1)) }
        return zip(values, golden).reduce(0) { $1.0.isFinite ? max($0, abs($1.0 - $1.1)) : .infinity } / scale
    }
}
