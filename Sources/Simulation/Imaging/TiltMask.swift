import Foundation

/// Which part of Fourier space a single-axis tilt series samples: one over the (kx, kz) plane, the same for all ky.
///
/// Each tilt θ about the y axis gives the central plane that contains ky and the direction (cos θ, sin θ) in (kx, kz); an
/// object of finite thickness D widens it to a slab of about 1/D (R. A. Crowther, D. J. DeRosier, A. Klug, *Proc. R. Soc.
/// A* 317:319, 1970). Slabs are Gaussian with a full width of 1/D at half maximum; where they overlap the mask is one,
/// between them and in the missing wedge it goes smoothly to zero.
struct TiltMask: Sendable {
    private let values: [Float]
    private let rowCount: Int

    init(grid: SimulationGrid, tilts: [Double], thicknessInAngstroms: Double) {
        let frequencies = grid.x / 2 + 1
        let sigma = 1 / thicknessInAngstroms / 2.3548
        var values = [Float](repeating: 0, count: frequencies * grid.z)
        for z in 0..<grid.z {
            let kz = grid.frequency(z, of: grid.z)
            for x in 0..<frequencies {
                let kx = grid.frequency(x, of: grid.x)
                var sum = 0.0
                for tilt in tilts {
                    let distance = (kz * cos(tilt) - kx * sin(tilt)) / sigma
                    sum += exp(-0.5 * distance * distance)
                }
                values[z * frequencies + x] = Float(min(1, sum))
            }
        }
        self.values = values
        rowCount = frequencies
    }

    func withRow(z: Int, _ body: (UnsafeBufferPointer<Float>) -> Void) {
        values.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[z * rowCount..<(z + 1) * rowCount])) }
    }
}
