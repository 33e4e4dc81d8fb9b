import Basics
import Foundation

/// The sum of the transforms of boxes, each turned and moved to the average, and of what their tilt series measured.
struct SubvolumeSum: Sendable {
    private let frequencies: SubvolumeFrequencies
    private var values: [Float]
    private var weights: [Float]
    private var boxes = 0

    init(_ frequencies: SubvolumeFrequencies) {
        self.frequencies = frequencies
        values = [Float](repeating: 0, count: 2 * frequencies.count)
        weights = [Float](repeating: 0, count: frequencies.count)
    }

    /// The spectrum of a box at the frequencies of the average: real and imaginary part, and weight.
    static func turned(
        _ spectrum: SubvolumeSpectrum, _ pose: SubvolumePose, _ frequencies: SubvolumeFrequencies
    ) -> [SIMD4<Float>] {
        // (R k)·s = k·(Rᵀ s).
        let shift = (2 * Double.pi / Double(frequencies.grid)) * pose.rotation.turnBack(pose.shift)
        var found = [SIMD4<Float>](repeating: .zero, count: frequencies.count)
        found.withUnsafeMutableBufferPointer { found in
            spectrum.read(frequencies, pose.rotation, back: false) { k, value in
                let angle = (frequencies.points[k] * shift).sum()
                let (c, s) = (Float(cos(angle)), Float(sin(angle)))
                found[k] = SIMD4(value.x * c - value.y * s, value.x * s + value.y * c, value.z, 0)
            }
        }
        return found
    }

    /// Adds what ``turned(_:_:_:)`` found; nothing of a box without contrast.
    mutating func add(_ found: [SIMD4<Float>]) {
        boxes += 1
        for k in found.indices {
            values[k] += found[k].x
            values[frequencies.count + k] += found[k].y
            weights[k] += found[k].z
        }
    }

    /// The sum over the weights; a weight counts as a twentieth of the boxes or more, so that no noise is blown up.
    var mean: [Float] {
        let floor = max(0.05 * Float(boxes), 1e-3)
        return values.indices.map { values[$0] / max(weights[$0 % frequencies.count], floor) }
    }
}
