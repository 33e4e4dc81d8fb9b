import Basics
import Foundation
import TestSupport
import Testing

@testable import Tensors

@Suite("The Fourier transform")
struct FourierTests {
    @Test(
        "agrees with the sum that defines it, in all lanes",
        arguments: [1, 2, 3, 4, 5, 6, 8, 9, 12, 15, 16, 25, 30, 60, 125, 128, 270])
    func directSum(length: Int) {
        let transform = FourierTransform(lengthAtLeast: length)
        #expect(transform.length == length)
        var random = RandomStream(state: UInt64(length))
        let lanes = LineWorkspace.laneCount
        let input = (0..<length).map { _ in
            (0..<lanes).map { _ in (Float.random(in: -1...1, using: &random), Float.random(in: -1...1, using: &random)) }
        }
        let lines = LineWorkspace(length: length)
        for (index, values) in input.enumerated() {
            for lane in 0..<lanes {
                lines.real[index][lane] = values[lane].0
                lines.imaginary[index][lane] = values[lane].1
            }
        }
        transform.forward(lines)
        // float32 rounding grows with the logarithm of the length, the values with its square root.
        let tolerance = 2e-6 * Double(length).squareRoot() * (1 + log2(Double(length)))
        var error = 0.0
        for k in 0..<length {
            for lane in 0..<lanes {
                var real = 0.0
                var imaginary = 0.0
                for j in 0..<length {
                    let angle = -2 * Double.pi * Double(j * k % length) / Double(length)
                    let (a, b) = (Double(input[j][lane].0), Double(input[j][lane].1))
                    real += a * cos(angle) - b * sin(angle)
                    imaginary += a * sin(angle) + b * cos(angle)
                }
                error = max(error, abs(Double(lines.real[k][lane]) - real), abs(Double(lines.imaginary[k][lane]) - imaginary))
            }
        }
        #expect(error < tolerance)
        transform.inverse(lines)
        var difference: Float = 0
        for j in 0..<length {
            for lane in 0..<lanes {
                difference = max(difference, abs(lines.real[j][lane] / Float(length) - input[j][lane].0))
                difference = max(difference, abs(lines.imaginary[j][lane] / Float(length) - input[j][lane].1))
            }
        }
        #expect(difference < 1e-5)
    }

    @Test("has lengths without prime factors above five, the next at or above the one asked for")
    func lengths() {
        let expected = [(0, 1), (1, 1), (7, 8), (11, 12), (13, 15), (127, 128), (129, 135), (536, 540), (1051, 1080)]
        for (least, length) in expected {
            #expect(FourierTransform(lengthAtLeast: least).length == length)
        }
    }

    private func volume(x: Int, y: Int, z: Int, seed: UInt64) -> FourierVolume {
        var volume = FourierVolume(
            x: FourierTransform(lengthAtLeast: x), y: FourierTransform(lengthAtLeast: y), z: FourierTransform(lengthAtLeast: z))
        var random = RandomStream(state: seed)
        for row in 0..<volume.y * volume.z {
            for column in 0..<volume.x {
                volume.values[row * volume.rowStride + column] = Float.random(in: -1...1, using: &random)
            }
        }
        return volume
    }

    @Test("of a small real volume agrees with the threefold sum", arguments: [(6, 5, 4), (5, 3, 2), (8, 1, 3), (1, 4, 5)])
    func volumeDirectSum(x: Int, y: Int, z: Int) {
        let before = volume(x: x, y: y, z: z, seed: 3)
        var after = before
        after.forward()
        for kz in 0..<z {
            for ky in 0..<y {
                for kx in 0...x / 2 {
                    var real = 0.0
                    var imaginary = 0.0
                    for iz in 0..<z {
                        for iy in 0..<y {
                            for ix in 0..<x {
                                let alongX = Double(kx * ix) / Double(x)
                                let alongY = Double(ky * iy) / Double(y)
                                let turns = alongX + alongY + Double(kz * iz) / Double(z)
                                let value = Double(before.values[(iz * y + iy) * before.rowStride + ix])
                                real += value * cos(2 * Double.pi * turns)
                                imaginary -= value * sin(2 * Double.pi * turns)
                            }
                        }
                    }
                    let first = (kz * y + ky) * after.rowStride
                    #expect(abs(Double(after.values[first + kx]) - real) < 1e-4)
                    #expect(abs(Double(after.values[first + after.rowHalf + kx]) - imaginary) < 1e-4)
                }
            }
        }
    }

    @Test(
        "of a volume keeps the sum of squares (Parseval) and comes back",
        arguments: [(30, 20, 12), (27, 25, 9), (48, 33, 16), (2, 2, 2)])
    func roundTrip(x: Int, y: Int, z: Int) {
        let before = volume(x: x, y: y, z: z, seed: 4)
        var after = before
        after.forward()
        var power = 0.0
        for row in 0..<after.y * after.z {
            for k in 0...after.x / 2 {
                let real = Double(after.values[row * after.rowStride + k])
                let imaginary = Double(after.values[row * after.rowStride + after.rowHalf + k])
                power += (k == 0 || 2 * k == after.x ? 1 : 2) * (real * real + imaginary * imaginary)
            }
        }
        let energy = before.values.reduce(0) { $0 + Double($1) * Double($1) }
        #expect(abs(power / Double(after.x * after.y * after.z) / energy - 1) < 1e-5)
        after.inverse()
        var difference: Float = 0
        for row in 0..<after.y * after.z {
            for column in 0..<after.x {
                let index = row * after.rowStride + column
                difference = max(difference, abs(after.values[index] - before.values[index]))
            }
        }
        #expect(difference < 2e-6)
    }
}
