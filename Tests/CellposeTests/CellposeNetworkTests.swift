import Basics
import Checkpoints
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Cellpose

@Suite("The network of CellPose")
struct CellposeNetworkTests {
    @Test(
        "a tile of 224² gives what cellpose gives, with narrow layers and with those of the published models",
        arguments: ["narrow", "full"])
    func tile(_ name: String) throws {
        let golden = try NetworkGolden(name)
        let output = try SeededNetwork.model(name).network(SeededNetwork.images(1000, [1, 224, 224, 2]))
        #expect(output.maps.shape == [1, 224, 224, 3])
        let maps = try NetworkGolden.thinned(output.maps)
        #expect(try golden.error(of: maps, to: "tile.maps") < 2e-5)
        #expect(try golden.error(of: output.style.values, to: "tile.style") < 2e-5)
    }

    @Test("a network that cellpose saved is read as it is, with its diameters")
    func saved() throws {
        let network = try CellposeNetwork(Checkpoint(path: NetworkGolden.path("tiny")))
        #expect(network.widths == [2, 3, 4] && network.sideMultiple == 2)
        #expect(network.meanDiameter == 17 && network.labelDiameter == 21)
        let golden = try NetworkGolden("tiny")
        let image = try golden.tensor("image").values
        let input = Tensor(shape: [1, 16, 20, 2], values: (0..<640).map { image[$0 % 2 * 320 + $0 / 2] })
        let maps = network(input).maps.values
        let channelsFirst = (0..<960).map { maps[$0 % 320 * 3 + $0 / 320] }
        #expect(try golden.error(of: channelsFirst, to: "maps") < 2e-5)
    }

    @Test("the published architecture has 6,600,843 trained parameters, running moments and diameters aside")
    func parameters() throws {
        let count = try NetworkLayout(widths: #require(SeededNetwork.widths["full"])).tensors
            .filter { !$0.name.contains(".running_") }.reduce(0) { $0 + $1.shape.reduce(1, *) }
        #expect(count == 6_600_843)
    }

    @Test("images of a batch do not see each other")
    func batch() throws {
        let network = try SeededNetwork.model("narrow").network
        let images = (0..<3).map { SeededNetwork.images($0, [1, 32, 48, 2]) }
        let batch = network(Tensor(shape: [3, 32, 48, 2], values: images.flatMap(\.values)))
        let alone = images.map { network($0) }
        #expect(batch.maps.values == alone.flatMap(\.maps.values))
        #expect(batch.style.values == alone.flatMap(\.style.values))
    }

    @Test("names that training on several devices leaves are understood")
    func parallel() throws {
        let directory = try TemporaryDirectory()
        let weights = SeededNetwork.weights([2, 3, 4]).map { ("module.\($0.name)", $0.tensor) }
        let network = try CellposeNetwork(Checkpoint(path: SeededNetwork.write(weights, "parallel", into: directory)))
        #expect(network.widths == [2, 3, 4] && network.meanDiameter == nil)
    }

    @Test("tensors that are missing, too many or of another shape are named, all in one message")
    func mismatches() throws {
        let directory = try TemporaryDirectory()
        let weights = SeededNetwork.weights([2, 3, 4])
        func refusal(_ change: (inout [(name: String, tensor: Tensor)]) -> Void) throws -> CellposeError {
            var changed = weights
            change(&changed)
            let checkpoint = try Checkpoint(path: SeededNetwork.write(changed, "changed", into: directory))
            return try #require(#expect(throws: CellposeError.self) { try CellposeNetwork(checkpoint) })
        }
        let missing = try refusal { $0.removeAll { $0.name == "output.2.bias" || $0.name.hasSuffix("full.bias") } }
        #expect(missing.code == .mismatchedWeights)
        #expect(missing.message.contains("it lacks 'upsample.up.res_up_0.conv.conv_1.full.bias'"), "\(missing)")
        #expect(missing.message.contains(" and 4 more"), "\(missing)")
        let both = try refusal {
            $0.removeAll { $0.name == "output.2.bias" }
            $0.append(("output.3.bias", Tensor(shape: [1])))
        }
        #expect(both.message.contains("lacks 'output.2.bias', and the network has no place for 'output.3.bias'"), "\(both)")
        let shape = try refusal {
            $0.removeAll { $0.name == "output.2.weight" }
            $0.append(("output.2.weight", Tensor(shape: [3, 5, 1, 1])))
        }
        #expect(shape.message.contains("'output.2.weight' has the shape [3, 5, 1, 1] where [3, 3, 1, 1] is expected"), "\(shape)")
        let diameter = try refusal { $0.append(("diam_mean", Tensor(shape: [1], repeating: .nan))) }
        #expect(diameter.code == .malformed && diameter.message.contains("diam_mean"), "\(diameter)")
        let other = try refusal { $0 = [("encoder.weight", Tensor(shape: [1]))] }
        #expect(other.code == .unsupported && other.message.contains("transformer"), "\(other)")
        let sam = try refusal { $0 = [("encoder.pos_embed", Tensor(shape: [1])), ("W2", Tensor(shape: [1]))] }
        #expect(sam.code == .unsupported && sam.message.contains("Cellpose-SAM (cpsam)"), "\(sam)")
        let volumes = try refusal {
            $0 = [("downsample.down.res_down_0.conv.conv_0.2.weight", Tensor(shape: [2, 2, 3, 3, 3]))]
        }
        #expect(volumes.code == .unsupported && volumes.message.contains("for volumes"), "\(volumes)")
        let restoring = try refusal {
            $0.removeAll { $0.name == "output.2.weight" || $0.name == "output.2.bias" }
            $0 += [("output.2.weight", Tensor(shape: [1, 3, 1, 1])), ("output.2.bias", Tensor(shape: [1]))]
        }
        #expect(restoring.code == .unsupported && restoring.message.contains("1 outputs"), "\(restoring)")
        let nothing = try refusal { $0 = [("a", Tensor(shape: [1]))] }
        #expect(nothing.code == .unsupported && nothing.message.contains("no CPnet"), "\(nothing)")
        let flat = try refusal {
            $0 = [("downsample.down.res_down_0.conv.conv_0.2.weight", Tensor(shape: [0, 2, 3, 3]))]
        }
        #expect(flat.code == .unsupported, "\(flat)")
    }
}
