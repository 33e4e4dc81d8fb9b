import Tensors
import TestSupport
import Testing

@testable import Training

@Suite("What a network sees on the way down") struct NetworkFeatureTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        let architecture: @Sendable () throws -> NetworkArchitecture
        let input: [Int]
        let expected: [Int]
        var testDescription: String { name }
    }

    private static func unet(_ dimensions: Int, levels: Int, context: Int = 0) throws -> NetworkArchitecture {
        .unet(try UNetArchitecture(dimensions: dimensions, classes: 3, width: 4, levels: levels, context: context))
    }

    @Test(
        "is the map of the last level but one",
        arguments: [
            Case(
                name: "slices", architecture: { try unet(2, levels: 4, context: 1) }, input: [2, 5, 32, 48, 1],
                expected: [2, 3, 8, 12, 16]),
            Case(
                name: "volumes", architecture: { try unet(3, levels: 3) }, input: [1, 8, 16, 12, 1], expected: [1, 4, 8, 6, 8]),
            Case(
                name: "one level", architecture: { try unet(2, levels: 1) }, input: [1, 2, 6, 5, 1], expected: [1, 2, 6, 5, 4]),
            Case(
                name: "picker", architecture: { .picker(try PickerArchitecture(width: 4)) }, input: [1, 16, 16, 24, 1],
                expected: [1, 4, 4, 6, 12]),
        ])
    func shapes(_ it: Case) throws {
        let network = try it.architecture().network(seed: 3)
        let features = network.features(noise(1, it.input))
        #expect(features.shape == it.expected && features.values.allSatisfy(\.isFinite))
        #expect(Set(features.values).count > features.count / 4)
        #expect(network.features(noise(1, it.input)).values == features.values)
    }

    @Test("moves with what it sees, by the pooling of the level") func equivariance() throws {
        let network = try Self.unet(2, levels: 3).network(seed: 7)
        let (height, width, move) = (64, 72, 4)
        let wide = noise(2, 1, 1, height, width + move, 1).values
        func part(from first: Int) -> Tensor {
            Tensor(
                shape: [1, 1, height, width, 1],
                values: (0..<height).flatMap { row in (0..<width).map { wide[row * (width + move) + first + $0] } })
        }
        let (here, there) = (network.features(part(from: 0)), network.features(part(from: move)))
        let (rows, columns, channels) = (here.shape[2], here.shape[3], here.shape[4])
        #expect([rows, columns, channels] == [height / 2, width / 2, 8])
        // Away from the borders, where convolutions see zeros.
        for row in 8..<rows - 8 {
            for column in 8..<columns - 8 - move / 2 {
                for channel in 0..<channels {
                    let a = here.values[(row * columns + column + move / 2) * channels + channel]
                    let b = there.values[(row * columns + column) * channels + channel]
                    #expect(abs(a - b) < 1e-4 * max(1, abs(a)))
                }
            }
        }
    }
}
