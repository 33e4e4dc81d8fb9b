import Basics
import Foundation

/// A model of a particle: a sum of Gaussian blobs about its own origin, at the resolution of a tomogram.
struct DensityModel: Sendable {
    let blobs: [GaussianBlob]

    /// The radius in Å of the ball about the origin that contains the particle and its label.
    let radius: Double

    /// A voxel gets the particle's label if its centre is within this distance in Å of the centre of a blob.
    let labelDistance: Double

    init(blobs: [GaussianBlob], labelDistance: Double = 20) {
        self.blobs = blobs
        self.labelDistance = labelDistance
        radius = blobs.reduce(0) { max($0, $1.center.length) } + labelDistance
    }

    /// Fills a shape with blobs on a cubic lattice with random displacements.
    ///
    /// - Parameters:
    ///   - extent: a bound of the coordinates of the shape, in Å.
    ///   - density: the mean density inside.
    ///   - unevenness: the spread of the blobs' weights about one, 0..<1. With a constant density inside, the contrast transfer
    ///     function would leave only the outline of the particle.
    ///   - spacing: the distance between neighbouring points of the lattice, in Å.
    ///   - sigma: the standard deviation of a blob, about half of the spacing, in Å.
    ///   - contains: whether a point is inside the shape.
    static func filled(
        extent: Double, density: Double, unevenness: Double, spacing: Double = 18, sigma: Double = 9.5,
        random: inout RandomStream, _ contains: (Point) -> Bool
    ) -> [GaussianBlob] {
        // A full lattice of Gaussians of this peak has the mean `density`.
        let peak = density * pow(spacing, 3) / (pow(2 * Double.pi, 1.5) * pow(sigma, 3))
        let steps = Int((extent / spacing).rounded(.up))
        var blobs: [GaussianBlob] = []
        for i in -steps...steps {
            for j in -steps...steps {
                for k in -steps...steps {
                    let jitter = 0.3 * spacing * random.direction()
                    let weight = random.uniform(1 - unevenness...1 + unevenness)
                    let center = spacing * Point(Double(i), Double(j), Double(k)) + jitter
                    if contains(center) { blobs.append(GaussianBlob(center: center, sigma: sigma, peak: weight * peak)) }
                }
            }
        }
        return blobs
    }

    /// A ribosome, 25 nm in diameter: a round large subunit with a stalk on each side, an elongated small subunit with a beak,
    /// and a cleft between them. The shape is the same in every tomogram.
    static let ribosome: DensityModel = {
        var random = RandomStream(seed: 80, .particles)
        func isInside(_ point: Point, _ center: Point, _ radii: Point) -> Bool { ((point - center) / radii).length <= 1 }
        var blobs = filled(extent: 140, density: Density.ribosome, unevenness: 0.8, random: &random) { point in
            isInside(point, Point(0, 0, -28), Point(96, 86, 70)) || isInside(point, Point(8, 0, 78), Point(84, 50, 26))
        }
        for stalk in [Point(-104, 25, -5), Point(102, -30, 2), Point(90, 26, 52)] {
            blobs.append(GaussianBlob(center: stalk, sigma: 13, peak: 0.9))
        }
        return DensityModel(blobs: blobs)
    }()

    /// The 20S core of a proteasome: four stacked rings of seven subunits around a channel.
    static let proteasome: DensityModel = {
        let blobs = [-57.0, -20, 20, 57].enumerated().flatMap { ring, height in
            (0..<7).map { index in
                let angle = 2 * Double.pi * (Double(index) + (ring.isMultiple(of: 2) ? 0 : 0.5)) / 7
                return GaussianBlob(center: Point(38 * cos(angle), 38 * sin(angle), height), sigma: 14, peak: 0.95)
            }
        }
        return DensityModel(blobs: blobs)
    }()

    /// The number of different shapes of the globular complex.
    static let complexVariants = 6

    /// A globular complex, 10 to 13 nm in diameter. The variant is the seed of its size and texture, so that its shape is the
    /// same in every tomogram.
    static func complex(variant: Int) -> DensityModel {
        var random = RandomStream(seed: 12, .particles, piece: variant)
        let radii = Point(random.uniform(38...48), random.uniform(34...44), random.uniform(34...44))
        let blobs = filled(extent: 60, density: Density.protein, unevenness: 0.5, random: &random) { ($0 / radii).length <= 1 }
        return DensityModel(blobs: blobs)
    }

    /// The blobs rotated and moved to a point in Å, averaged over voxels, with their label.
    func placed(at center: Point, _ rotation: Rotation, label: SimulationClass, voxelSize: Double) -> PlacedBlobs {
        let placed = blobs.map { blob in
            var placed = blob
            placed.center = center + rotation.rotate(blob.center)
            return placed
        }
        return PlacedBlobs(
            placed.map { $0.averaged(overVoxelSize: voxelSize) }, label: label, within: labelDistance,
            of: placed.map(\.center))
    }
}
