import Basics
import Checkpoints
import ImageProcessing
import Tensors
import TestSupport
import Testing

@testable import Cellpose

@Suite("CellPose on images")
struct CellposeModelTests {
    @Test(
        "whole images give what cellpose gives: smaller than a tile, of one and of many tiles, enlarged and reduced",
        arguments: [
            ("full", 0, 150, 100, 30.0), ("full", 1, 131, 290, 24), ("narrow", 0, 300, 250, 20), ("narrow", 1, 37, 500, 45),
            ("narrow", 2, 9, 5, 30), ("narrow", 3, 224, 224, 30), ("narrow", 4, 480, 210, 17),
        ])
    func images(_ name: String, _ seed: Int, _ height: Int, _ width: Int, _ diameter: Double) throws {
        let golden = try NetworkGolden(name)
        let image = try SeededNetwork.image(2000 + seed, height: height, width: width)
        let maps = try SeededNetwork.model(name).maps(of: image, diameter: diameter)
        let thinned = NetworkGolden.thinned([maps.flowY, maps.flowX, maps.cellLogit])
        #expect(try golden.error(of: thinned, to: "\(height)x\(width).maps") < 1e-4)
        #expect(try golden.error(of: maps.style, to: "\(height)x\(width).style") < 1e-4)
        #expect(maps.flowY.height == height && maps.flowY.width == width)
    }

    @Test("how many tiles pass at once changes no bit")
    func batches() throws {
        let model = try SeededNetwork.model("narrow")
        let image = try SeededNetwork.image(1, height: 260, width: 300)
        let maps = try model.maps(of: image, diameter: 30, tilesAtOnce: 1)
        #expect(try model.maps(of: image, diameter: 30, tilesAtOnce: 3) == maps)
        #expect(try model.maps(of: image, diameter: 30, tilesAtOnce: 0) == maps)
    }

    @Test("the model's own diameter decides the scale, unless another is given")
    func diameters() throws {
        #expect(try CellposeModel(path: NetworkGolden.path("tiny")).meanDiameter == 17)
        #expect(try CellposeModel(path: NetworkGolden.path("tiny"), meanDiameter: 30).meanDiameter == 30)
        #expect(try SeededNetwork.model("tiny").meanDiameter == 30)
        #expect(throws: CellposeError.self) { try CellposeModel(path: NetworkGolden.path("tiny"), meanDiameter: -1) }
    }

    @Test("the published nuclei, whose file holds no diameter, is known by its name, as in CellPose")
    func nuclei() throws {
        let directory = try TemporaryDirectory()
        for (name, diameter) in [("nucleitorch_0", 17.0), ("nuclei", 17), ("cyto3", 30), ("mynuclei", 30)] {
            let model = try CellposeModel(path: SeededNetwork.write(SeededNetwork.weights([2, 3, 4]), name, into: directory))
            #expect(model.meanDiameter == diameter && model.takesDiameterFromName == (diameter == 17))
        }
        let given = directory.file("nuclei.safetensors")
        #expect(try !CellposeModel(path: given, meanDiameter: 20).takesDiameterFromName)
        #expect(try CellposeModel(path: given).summary.contains("17.0 pixels (by its name)"))
        #expect(try CellposeModel(path: NetworkGolden.path("tiny")).summary.contains("(in the file)"))
    }

    @Test(
        "a network that a user trained, saved from several devices, with its own widths and diameter, is run",
        arguments: [1, 2, 3])
    func trained(imageChannels: Int) throws {
        let directory = try TemporaryDirectory()
        var weights = SeededNetwork.weights([imageChannels, 4, 6, 8]).map { ("module.\($0.name)", $0.tensor) }
        weights.append(("module.diam_mean", Tensor(shape: [1], repeating: 24)))
        weights.append(("module.diam_labels", Tensor(shape: [1], repeating: 31)))
        weights.append(("module.output.0.num_batches_tracked", Tensor(shape: [])))
        let path = try SeededNetwork.write(weights.map { (name: $0.0, tensor: $0.1) }, "CP_20240101", into: directory)
        let image = try SeededNetwork.image(3, height: 40, width: 50)
        let model = try CellposeModel(path: path)
        #expect(model.meanDiameter == 24 && model.network.labelDiameter == 31 && !model.takesDiameterFromName)
        let maps = try model.maps(of: image, diameter: 24)
        #expect(maps.flowY.width == 50 && maps.style.count == 8)
    }

    @Test("constant images are zeros to the network, whatever the constant")
    func constants() throws {
        let model = try SeededNetwork.model("tiny")
        let zeros = try #require(Image<Float>(height: 20, width: 30, repeating: 0))
        let maps = try model.maps(of: zeros, diameter: 30)
        #expect(try model.maps(of: zeros.map { _ in 7e30 }, diameter: 30) == maps)
        var almost = zeros
        almost[y: 3, x: 4] = 1e9
        // One pixel of 600 lies beyond the 99th percentile.
        #expect(try model.maps(of: almost, diameter: 30) == maps)
    }

    @Test("single pixels, lines and objects larger than the image have maps")
    func smallImages() throws {
        let model = try SeededNetwork.model("tiny")
        for (height, width, diameter) in [(1, 1, 30.0), (1, 700, 30), (700, 1, 30), (40, 50, 400), (2, 2, 1)] {
            let image = try SeededNetwork.image(1, height: height, width: width)
            let maps = try model.maps(of: image, diameter: diameter)
            #expect(maps.cellLogit.height == height && maps.cellLogit.width == width)
            #expect(maps.cellLogit.values.allSatisfy { $0.isFinite })
        }
    }

    @Test("what has no answer is an error that says so")
    func refusals() throws {
        let model = try SeededNetwork.model("tiny")
        var image = try SeededNetwork.image(1, height: 20, width: 30)
        func message(_ diameter: Double) throws -> String {
            let error = try #require(#expect(throws: CellposeError.self) { try model.maps(of: image, diameter: diameter) })
            #expect(error.code == .invalidInput)
            return error.message
        }
        for diameter in [0, -30, .nan, .infinity] { #expect(try message(diameter).contains("more than 0")) }
        #expect(try message(601).contains("too large"))
        #expect(try message(1e-9).contains("too small"))
        #expect(try message(.leastNonzeroMagnitude).contains("too small"))
        image[y: 2, x: 3] = .nan
        #expect(try message(30).contains("row 2, column 3 is not finite"))
    }

    @Test("a network that gives no numbers is an error")
    func damagedWeights() throws {
        let directory = try TemporaryDirectory()
        let weights = SeededNetwork.weights([2, 3, 4]).map { entry in
            entry.name == "output.2.bias" ? (entry.name, Tensor(shape: [3], values: [0, .nan, 0])) : entry
        }
        let model = try CellposeModel(path: SeededNetwork.write(weights, "nan", into: directory))
        let image = try SeededNetwork.image(1, height: 20, width: 30)
        let error = try #require(#expect(throws: CellposeError.self) { try model.maps(of: image, diameter: 30) })
        #expect(error.code == .notFinite)
    }

    @Test("percentiles are those of every pixel, or of thinned out rows and columns of very large images")
    func normalization() throws {
        let image = try #require(Image<Float>(height: 10, width: 20, values: (0..<200).map { Float($0) }))
        let normalized = try image.normalizedByPercentiles()
        #expect(abs(normalized.values[0] + 1.99 / 195.02) < 1e-6 && abs(normalized.values[199] - (199 - 1.99) / 195.02) < 1e-6)
        // Odd columns are not looked at.
        let values = (0..<11_250_000).map { (index: Int) -> Float in index % 2 == 0 ? Float(index / 450 % 1000) : 1e6 }
        let large = try #require(Image<Float>(height: 25_000, width: 450, values: values))
        let thinned = try large.normalizedByPercentiles()
        #expect(thinned[y: 0, x: 1] > 900)
    }
}
