import Basics
import Foundation
import Tensors

/// What boxes of one side have in common: masks, and transforms at the frequencies of averages.
struct SubvolumeGrid: Sendable {
    let side: Int
    /// G: frequencies are multiples of 1/G.
    let grid: Int
    /// The highest shell: the greatest number below G/2.
    let highest: Int
    /// Of the highest shell, in cycles a voxel.
    var highestFrequency: Double { Double(highest) / Double(grid) }
    /// A ball of the particle's radius with a soft edge, `[z][y][x]`.
    let mask: [Float]
    /// A ball that nearly fills the box.
    let wideMask: [Float]

    init(side: Int, radius: Double) {
        self.side = side
        grid = FourierTransform(lengthAtLeast: side).length
        highest = (grid - 1) / 2
        mask = Self.ball(side: side, radius: radius, edge: max(0.15 * radius, 2))
        wideMask = Self.ball(side: side, radius: Double(side) / 2 - 4, edge: 3)
    }

    /// 1 up to the radius, then a cosine down to 0.
    private static func ball(side: Int, radius: Double, edge: Double) -> [Float] {
        (0..<side * side * side).map { index in
            let voxel = SIMD3(index % side, index / side % side, index / side / side) &- SIMD3(repeating: side / 2)
            let distance = (Double((voxel &* voxel).wrappedSum()).squareRoot() - radius) / edge
            return distance <= 0 ? 1 : distance >= 1 ? 0 : Float(0.5 + 0.5 * cos(.pi * distance))
        }
    }

    /// The box with mean 0 and standard deviation 1 within the wide mask, times a mask; and the deviation before.
    func normalised(_ box: [Float], _ mask: [Float]) -> (box: [Float], deviation: Double) {
        var (sum, squares, weight) = (0.0, 0.0, 0.0)
        for index in box.indices {
            let (w, v) = (Double(wideMask[index]), Double(box[index]))
            sum += w * v
            weight += w
        }
        let mean = sum / weight
        for index in box.indices {
            let v = Double(box[index]) - mean
            squares += Double(wideMask[index]) * v * v
        }
        let deviation = (squares / weight).squareRoot()
        guard deviation > 1e-6 * abs(mean), deviation > 1e-30 else { return (box.map { _ in 0 }, 0) }
        return (box.indices.map { Float((Double(box[$0]) - mean) / deviation) * mask[$0] }, deviation)
    }

    /// The transform of a masked box about its middle voxel: real parts at all frequencies, then imaginary parts.
    func transform(_ box: [Float], _ frequencies: SubvolumeFrequencies) -> [Float] {
        let fourier = FourierTransform(lengthAtLeast: side)
        var volume = FourierVolume(x: fourier, y: fourier, z: fourier)
        forEachRow { source, target in
            for x in 0..<side { volume.values[target + (x - side / 2 + grid) % grid] = box[source + x] }
        }
        volume.forward()
        var values = [Float](repeating: 0, count: 2 * frequencies.count)
        for (index, k) in frequencies.points.enumerated() {
            let sign: Float = k.x < 0 ? -1 : 1
            let place = place(k.x < 0 ? -k : k, volume)
            values[index] = volume.values[place]
            values[frequencies.count + index] = sign * volume.values[place + volume.rowHalf]
        }
        return values
    }

    /// The box with a transform.
    func box(_ values: [Float], _ frequencies: SubvolumeFrequencies) -> [Float] {
        let fourier = FourierTransform(lengthAtLeast: side)
        var volume = FourierVolume(x: fourier, y: fourier, z: fourier)
        for (index, k) in frequencies.points.enumerated() {
            let (real, imaginary) = (values[index], values[frequencies.count + index])
            if k.x >= 0 {
                let place = place(k, volume)
                (volume.values[place], volume.values[place + volume.rowHalf]) = (real, imaginary)
            }
            if k.x <= 0, k != .zero {
                let place = place(-k, volume)
                (volume.values[place], volume.values[place + volume.rowHalf]) = (real, -imaginary)
            }
        }
        volume.inverse()
        var box = [Float](repeating: 0, count: side * side * side)
        forEachRow { target, source in
            for x in 0..<side { box[target + x] = volume.values[source + (x - side / 2 + grid) % grid] }
        }
        return box
    }

    private func place(_ k: SIMD3<Double>, _ volume: FourierVolume) -> Int {
        ((Int(k.z) + grid) % grid * grid + (Int(k.y) + grid) % grid) * volume.rowStride + Int(k.x)
    }

    /// Calls the closure with the first voxel of each row of a box, and with that of its row about the origin of the transform.
    private func forEachRow(_ body: (_ box: Int, _ volume: Int) -> Void) {
        let stride = 2 * (grid / 2 + 1).rounded(upToMultipleOf: 8)
        for z in 0..<side {
            for y in 0..<side {
                let (c, b) = ((z - side / 2 + grid) % grid, (y - side / 2 + grid) % grid)
                body((z * side + y) * side, (c * grid + b) * stride)
            }
        }
    }
}
