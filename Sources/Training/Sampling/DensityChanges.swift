import Basics
import Foundation
import Tensors
import Volumes

/// The densities and labels of a patch while augmentations change them.
struct DensityChanges {
    private(set) var patch: TrainingPatch

    init(_ patch: TrainingPatch) { self.patch = patch }

    /// Applies the filter, if it is one, and leaves an empty one.
    mutating func apply(_ filter: inout FrequencyFilter) {
        defer { filter = FrequencyFilter() }
        guard !filter.isEmpty else { return }
        patch.densities = filter.filtered(patch.densities, shape: patch.densityShape)
    }

    /// - Parameters:
    ///   - number: how much, in the unit of the kind.
    ///   - random: gives noise, directions and places.
    mutating func change(_ kind: Augmentation.Kind, _ number: Double, _ random: inout RandomStream) {
        let amount = Float(number)
        switch kind {
        case .noise: addNoise(amount, &random)
        case .contrast: patch.densities.withUnsafeMutableBufferPointer { for index in $0.indices { $0[index] *= amount } }
        case .brightness: patch.densities.withUnsafeMutableBufferPointer { for index in $0.indices { $0[index] += amount } }
        case .gamma: raise(toThe: amount)
        case .gradient: addRamp(amount, &random)
        case .blank: blank(number, &random)
        case .rotation, .zoom, .blur, .spectrum, .wedge: break
        }
    }

    private mutating func addNoise(_ deviation: Float, _ random: inout RandomStream) {
        patch.densities.withUnsafeMutableBufferPointer { values in
            for index in stride(from: 0, to: values.count, by: 2) {
                let pair = random.normalPair()
                values[index] += deviation * Float(pair.x)
                if index + 1 < values.count { values[index + 1] += deviation * Float(pair.y) }
            }
        }
    }

    private mutating func raise(toThe power: Float) {
        guard let least = patch.densities.min(), let most = patch.densities.max(), most > least else { return }
        let before = Moments(patch.densities)
        patch.densities.withUnsafeMutableBufferPointer { values in
            for index in values.indices { values[index] = pow((values[index] - least) / (most - least), power) }
        }
        Moments(patch.densities).restore(before, in: &patch.densities)
    }

    private mutating func addRamp(_ height: Float, _ random: inout RandomStream) {
        let angle = random.unit() * 2 * .pi
        let shape = patch.densityShape
        let (rows, columns) = (max(Float(shape.y - 1), 1) / 2, max(Float(shape.x - 1), 1) / 2)
        let scale = height / Float(abs(cos(angle)) + abs(sin(angle)))
        let (alongY, alongX) = (Float(sin(angle)) * scale, Float(cos(angle)) * scale)
        patch.densities.withUnsafeMutableBufferPointer { values in
            for line in 0..<shape.z * shape.y {
                let row = alongY * (Float(line % shape.y) / rows - 1)
                for x in 0..<shape.x { values[line * shape.x + x] += row + alongX * (Float(x) / columns - 1) }
            }
        }
    }

    private mutating func blank(_ part: Double, _ random: inout RandomStream) {
        let shape = patch.densityShape
        func range(_ length: Int) -> Range<Int> {
            let count = min(max(Int(random.unit() * part * Double(length)), 1), length)
            let first = random.index(below: length - count + 1)
            return first..<first + count
        }
        for _ in 0..<1 + random.index(below: 3) {
            let (y, x) = (range(shape.y), range(shape.x))
            // Through all slices where they are few: what is between two slices could be told from its neighbours.
            let z = shape.z < shape.y / 2 ? 0..<shape.z : range(shape.z)
            for slice in z {
                for row in y {
                    let first = (slice * shape.y + row) * shape.x
                    for column in x { patch.densities[first + column] = 0 }
                    let labelled = slice - patch.context
                    guard (0..<patch.shape.z).contains(labelled) else { continue }
                    let label = (labelled * shape.y + row) * shape.x
                    for column in x { patch.labels[label + column] = TrainingPatch.ignored }
                }
            }
        }
    }
}

/// Mean and standard deviation of densities.
struct Moments: Hashable, Sendable {
    let mean: Float
    let deviation: Float

    init(_ values: [Float]) {
        var (sum, squares) = (0.0, 0.0)
        for value in values {
            sum += Double(value)
            squares += Double(value) * Double(value)
        }
        let count = Double(max(values.count, 1))
        mean = Float(sum / count)
        deviation = Float(max(squares / count - sum / count * (sum / count), 0).squareRoot())
    }

    /// Scales values that have these moments so that they have others; values that are all the same only move.
    func restore(_ other: Moments, in values: inout [Float]) {
        let scale = deviation > 0 ? other.deviation / deviation : 1
        values.withUnsafeMutableBufferPointer { values in
            for index in values.indices { values[index] = (values[index] - mean) * scale + other.mean }
        }
    }
}
