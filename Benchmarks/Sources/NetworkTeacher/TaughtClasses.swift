import Basics
import Simulation
import Volumes

/// What the outputs of the built-in network are, and how the truth of a simulated scene becomes their labels.
enum TaughtClasses {
    /// The outputs: what each is part of; nil for ground.
    static let outputs: [String?] = [
        nil, "membrane", "macromolecule", "macromolecule", "small-particle", "filament", nil,
    ]
    static let classes = ["membrane", "macromolecule", "small-particle", "filament"]
    /// The least probability of each class, and the least score of a particle: those of the first two classes and the score served best on
    /// the third simulator, seeds 11 to 15 at SNR .5 and .1 (Benchmarks/NOTES.md); the others were not chosen by anything.
    static let thresholds = [0.25, 0.3, 0.3, 0.5]
    static let leastScore = 0.1

    private static let (membrane, body, core, small, filament, outside): (UInt8, UInt8, UInt8, UInt8, UInt8, UInt8) = (
        1, 2, 3, 4, 5, 6
    )
    /// The output whose peaks are the middles of particles.
    static let coreOutput = 3

    /// The least diameter of a large particle.
    private static let largeInAngstroms = 200.0
    /// The radius of the middle of a particle, as a part of its own.
    private static let corePart = 0.45

    /// The label of a class of the simulation, inside of the sample.
    private static func label(_ value: UInt8) -> UInt8 {
        switch SimulationClass(rawValue: value) {
        case .membrane: membrane
        case .ribosome, .largeParticle: body
        case .proteasome, .complex, .smallParticle: small
        case .actin, .microtubule: filament
        case .ice: outside
        case .background, .gold, nil: 0
        }
    }

    /// The labels of a scene, uint8 `[z][y][x]`.
    static func labels(of scene: SimulatedTomogram) -> [UInt8] {
        let shape = scene.labels.shape
        var labels = scene.labels.bytes.map { label($0) }
        for pixel in 0..<shape.voxelsPerSlice {
            let (lower, upper) = (scene.surfaces.lower[pixel], scene.surfaces.upper[pixel])
            for z in 0..<shape.z where Float(z) < lower || Float(z) > upper {
                let voxel = z * shape.voxelsPerSlice + pixel
                if labels[voxel] == 0 { labels[voxel] = outside }
            }
        }
        let size = scene.parameters.voxelSizeInAngstroms
        for particle in scene.particles where 2 * particle.radiusInAngstroms >= largeInAngstroms {
            guard particle.particleClass == .ribosome || particle.particleClass == .largeParticle else { continue }
            let centre = SIMD3(particle.xInAngstroms, particle.yInAngstroms, particle.zInAngstroms) / size
            let radius = max(corePart * min(particle.radiusInAngstroms, 150) / size, 1)
            forEachVoxel(within: radius, of: centre, in: shape) { voxel in
                // The middle of a hollow particle is a middle, too; what else lies there stays what it is.
                if [0, body].contains(labels[voxel]) { labels[voxel] = core }
            }
        }
        return labels
    }

    private static func forEachVoxel(
        within radius: Double, of centre: SIMD3<Double>, in shape: VolumeShape, _ body: (Int) -> Void
    ) {
        func range(_ middle: Double, _ length: Int) -> Range<Int> {
            let (low, high) = (Int((middle - radius).rounded(.up)), Int((middle + radius).rounded(.down)))
            return (low..<max(low, high + 1)).clamped(to: 0..<length)
        }
        for z in range(centre.z, shape.z) {
            for y in range(centre.y, shape.y) {
                for x in range(centre.x, shape.x) {
                    let offset = SIMD3(Double(x), Double(y), Double(z)) - centre
                    if (offset * offset).sum() <= radius * radius { body((z * shape.y + y) * shape.x + x) }
                }
            }
        }
    }
}
