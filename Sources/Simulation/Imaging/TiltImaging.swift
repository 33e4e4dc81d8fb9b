import Basics
import Foundation
import Tensors

/// Imaging by a tilt series: the projection at each tilt, its contrast transfer with a defocus of its own, detector noise that
/// grows with the path through the lamella, misalignment, and weighted back-projection.
///
/// The weight is the ramp √(k_u² + k₀²), with 1/k₀ the thickness of the lamella times the range of the angles: below k₀ all
/// images overlap in Fourier space (R. A. Crowther, D. J. DeRosier, A. Klug, *Proc. R. Soc. A* 317:319, 1970).
struct TiltImaging: ImagingModel {
    /// What differs between images.
    private struct Condition: Sendable {
        let defocusInMicrometers: Double
        /// The shift of the image along u and y, in pixels.
        let shift: SIMD2<Double>
        /// In radians.
        let rotation: Double
        /// The standard deviation of the noise, relative to the untilted image.
        let noise: Double
    }

    private let geometry: TiltGeometry
    private let optics: SimulationParameters.Optics
    private let conditions: [Condition]
    /// k₀, in Å⁻¹.
    private let least: Double

    init(
        _ parameters: SimulationParameters, _ spread: SimulationParameters.TiltConditions, thicknessInAngstroms thickness: Double,
        grid: SimulationGrid
    ) {
        let tilts = parameters.tiltSeries.tilts
        geometry = TiltGeometry(grid: grid, tilts: tilts)
        optics = parameters.optics
        let step = parameters.tiltSeries.stepInDegrees * Double.pi / 180
        least = 1 / (thickness * step * Double(tilts.count))
        conditions = tilts.enumerated().map { index, tilt in
            var random = RandomStream(seed: parameters.seed, .tiltImages, piece: index)
            let defocus = parameters.optics.defocusInMicrometers + spread.defocusJitterInMicrometers * random.normal()
            let shift = random.normalPair() * (spread.shiftJitterInAngstroms / grid.voxelSize)
            return Condition(
                defocusInMicrometers: defocus, shift: shift,
                rotation: spread.rotationJitterInDegrees * Double.pi / 180 * random.normal(),
                // Beyond e²⁰ an image tells nothing, and its noise would leave float32.
                noise: exp(min(0.5 * thickness / spread.meanFreePathInAngstroms * (1 / cos(tilt) - 1), 20)))
        }
    }

    /// The standard deviations of the noise of all images, relative to the untilted one.
    var noiseLevels: [Double] { conditions.map(\.noise) }

    func image(_ density: inout FourierVolume, vacuum: Double) {
        let volume = ProjectedVolume(density, vacuum: vacuum, geometry)
        // The density is not needed any more: its memory is free before the tomogram takes as much.
        density.values = []
        let images = ImageStack(geometry) { view in
            var optics = optics
            optics.defocusInMicrometers = conditions[view].defocusInMicrometers
            let transfer = ContrastTransfer(optics)
            var image = volume.image(geometry.views[view])
            image.filterImage(gains { transfer(squaredFrequency: $0) })
            return image.moved(by: conditions[view].shift, turnedBy: conditions[view].rotation, about: geometry.middle)
        }
        density = images.backProjection()
    }

    /// White noise in each image, filtered and back-projected; its variance is measured.
    func noise(seed: UInt64, in surfaces: LamellaSurfaces) -> (noise: FourierVolume, variance: Double) {
        let gains = gains { optics.noiseGain($0) }
        let noise = ImageStack(geometry) { view in
            var image = geometry.emptyImage()
            var random = RandomStream(seed: seed, .noise, piece: view)
            for column in 0..<image.y {
                for row in stride(from: 0, to: image.x, by: 2) {
                    let pair = conditions[view].noise * random.normalPair()
                    image.values[column * image.rowStride + row] = Float(pair.x)
                    // After an odd row this is padding, which the transform ignores.
                    image.values[column * image.rowStride + row + 1] = Float(pair.y)
                }
            }
            image.filterImage(gains)
            return image
        }.backProjection()
        let spread = noise.statistics(in: surfaces, of: geometry.grid).standardDeviation
        return (noise, spread > 0 ? spread * spread : 1)
    }

    /// The gains of an image's spectrum, `[k_u][k_y ≥ 0]`: the ramp times a radial gain at a squared frequency in Å⁻².
    private func gains(_ radial: (Double) -> Double) -> [Float] {
        let grid = geometry.grid
        let columns = geometry.columnCount
        return (0..<columns).flatMap { u in
            let across = grid.frequency(u, of: columns)
            let ramp = (across * across + least * least).squareRoot() * grid.voxelSize
            return (0...grid.y / 2).map { y in
                let along = grid.frequency(y, of: grid.y)
                return Float(ramp * radial(across * across + along * along))
            }
        }
    }
}

extension FourierVolume {
    /// Multiplies the spectrum of an image by real gains, `[k_u][k_y ≥ 0]`.
    fileprivate mutating func filterImage(_ gains: [Float]) {
        forward()
        for row in 0..<y {
            for k in 0..<frequencyCount {
                values[row * rowStride + k] *= gains[row * frequencyCount + k]
                values[row * rowStride + rowHalf + k] *= gains[row * frequencyCount + k]
            }
        }
        inverse()
    }

    /// An image that is turned about its middle and shifted, interpolated linearly; its border goes on outwards.
    fileprivate func moved(by shift: SIMD2<Double>, turnedBy angle: Double, about middle: Double) -> FourierVolume {
        guard shift != .zero || angle != 0 else { return self }
        var moved = self
        let middleRow = Double(x - 1) / 2
        let (cosine, sine) = (cos(angle), sin(angle))
        for column in 0..<y {
            for row in 0..<x {
                let across = Double(column) - middle
                let along = Double(row) - middleRow
                let u = min(max(middle + cosine * across - sine * along + shift.x, 0), Double(y) - 1.001)
                let v = min(max(middleRow + sine * across + cosine * along + shift.y, 0), Double(x) - 1.001)
                let (left, low) = (Int(u), Int(v))
                let (right, high) = (Float(u - Double(left)), Float(v - Double(low)))
                let first = left * rowStride + low
                let near = values[first] + high * (values[first + 1] - values[first])
                let far = values[first + rowStride] + high * (values[first + rowStride + 1] - values[first + rowStride])
                moved.values[column * rowStride + row] = near + right * (far - near)
            }
        }
        return moved
    }
}
