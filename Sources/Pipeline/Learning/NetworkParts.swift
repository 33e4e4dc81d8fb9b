import CatalogSchema
import ImageProcessing
import Volumes

/// What a network says of the slices of a slab, in the classes of pseudo-labels (``SliceInstances/Part``).
///
/// * A voxel whose class reaches its threshold is membrane or macromolecule. One of any other class (a filament, a small particle)
///   is "neither": it is no ground, and none of the two.
/// * A voxel is in doubt, and "neither", where its probability of any class lies between a part of the threshold and the threshold.
/// * All others are ground, unless the network does not know membranes, or not macromolecules: then they may be what it does not
///   know, and are "neither".
/// * A particle is the voxels of the class macromolecule in its ball; of several balls, the one whose centre is nearest has a
///   voxel. Macromolecule outside of all balls is "neither". Where the network finds particles and does not label them, a particle
///   is the voxels of its ball that have no label.
struct NetworkParts {
    /// Of a slab, `[z][y][x]`.
    private let shape: VolumeShape
    /// nil where the network labels no voxels.
    private let labels: ProbabilitySlices?
    private let thresholds: [Double]
    private let doubt: Double
    /// The part that each label of the network is, ``SliceInstances/Part``.
    private let parts: [UInt8]
    private let labelsMacromolecules: Bool
    private let balls: ParticleBalls

    /// - Parameters:
    ///   - labels: the probabilities of classes in the slab; nil where the network labels no voxels.
    ///   - thresholds: of each class.
    ///   - doubt: the part of the threshold from which on a voxel is in doubt, 0 to 1.
    ///   - balls: of the macromolecules; nil where the network finds none, whatever there is.
    init(_ labels: ProbabilitySlices?, thresholds: [Double], doubt: Double, balls: ParticleBalls?, shape: VolumeShape) {
        let classes = labels?.classes ?? []
        let parts: [SliceInstances.Part] = classes.map { name in
            switch name {
            case PseudoLabels.membrane: .membrane
            case PseudoLabels.macromolecule: .macromolecule
            default: .neither
            }
        }
        labelsMacromolecules = parts.contains(.macromolecule)
        let knowsBoth = parts.contains(.membrane) && (labelsMacromolecules || balls != nil)
        self.parts = ([knowsBoth ? .ground : .neither] + parts).map(\.rawValue)
        (self.labels, self.thresholds, self.doubt, self.shape) = (labels, thresholds, doubt, shape)
        self.balls = balls ?? ParticleBalls([], in: shape, unit: SIMD3(repeating: 1))
    }

    /// The class of each voxel of a slice of the slab, and the number of its particle, from 1; 0 for none.
    ///
    /// - Complexity: reads the probabilities of one slice.
    func slice(_ z: Int) throws -> (classes: Image<UInt8>, particles: Image<Int32>) {
        let neither = SliceInstances.Part.neither.rawValue
        let macromolecule = SliceInstances.Part.macromolecule.rawValue
        var classes = [UInt8](repeating: neither, count: shape.voxelsPerSlice)
        var isLabelled = [Bool](repeating: false, count: shape.voxelsPerSlice)
        if let labels {
            let (best, multiples) = try labels.labels(slice: z, thresholds: thresholds, reaching: doubt)
            for (pixel, label) in best.enumerated() {
                isLabelled[pixel] = label > 0 && multiples[pixel] >= 1
                classes[pixel] = label > 0 && !isLabelled[pixel] ? neither : parts[Int(label)]
            }
        }
        let particles = balls.numbers(slice: z) { pixel in
            labelsMacromolecules ? classes[pixel] == macromolecule : !isLabelled[pixel]
        }
        for (pixel, number) in particles.enumerated() {
            if number > 0 {
                classes[pixel] = macromolecule
            } else if classes[pixel] == macromolecule {
                classes[pixel] = neither
            }
        }
        return (try shape.image(classes), try shape.image(particles))
    }
}

/// The balls of particles in a slab, drawn slice by slice.
struct ParticleBalls {
    private struct Ball {
        /// x, y, z in voxels of the slab.
        let centre: SIMD3<Double>
        /// In Å.
        let radius: Double
    }

    private let balls: [Ball]
    private let shape: VolumeShape
    /// The sides of a voxel in Å: x, y, z.
    private let unit: SIMD3<Double>

    /// - Parameters:
    ///   - particles: with their radii; those without have no voxel.
    ///   - shape: of the slab.
    ///   - unit: the sides of a voxel in Å: x, y, z.
    ///   - firstSlice: the first slice of the slab, as an index in the tomogram.
    init(_ particles: [FoundObject], in shape: VolumeShape, unit: SIMD3<Double>, firstSlice: Int = 0) {
        balls = particles.map { particle in
            Ball(
                centre: particle.centroidInAngstroms / unit - SIMD3(0, 0, Double(firstSlice)),
                radius: particle.radiusInAngstroms ?? 0)
        }
        (self.shape, self.unit) = (shape, unit)
    }

    /// Whether the ball of a particle goes beyond the first or the last slice of the slab.
    func isCutOff(_ index: Int) -> Bool {
        let (centre, reach) = (balls[index].centre.z, balls[index].radius / unit.z)
        return centre - reach < -0.5 || centre + reach > Double(shape.z) - 0.5
    }

    /// The number of the particle that each pixel of a slice belongs to, `[y][x]`: of those whose balls hold it, the one whose
    /// centre is nearest, and of two that are equally near, the first; 0 for none.
    ///
    /// - Parameter isWanted: whether a pixel, by its index, may belong to a particle.
    /// - Complexity: linear in the pixels of the balls in this slice, and in the number of balls.
    func numbers(slice z: Int, where isWanted: (_ pixel: Int) -> Bool) -> [Int32] {
        var numbers = [Int32](repeating: 0, count: shape.voxelsPerSlice)
        var distances = [Double](repeating: .infinity, count: shape.voxelsPerSlice)
        for (index, ball) in balls.enumerated() {
            let dz = (Double(z) - ball.centre.z) * unit.z
            let left = ball.radius * ball.radius - dz * dz
            guard left >= 0 else { continue }
            let reach = left.squareRoot()
            for y in Self.pixels(ball.centre.y, reach / unit.y, shape.y) {
                let dy = (Double(y) - ball.centre.y) * unit.y
                for x in Self.pixels(ball.centre.x, reach / unit.x, shape.x) {
                    let dx = (Double(x) - ball.centre.x) * unit.x
                    let (pixel, distance) = (y * shape.x + x, dx * dx + dy * dy)
                    let whole = distance + dz * dz
                    if distance <= left, whole < distances[pixel], isWanted(pixel) {
                        (numbers[pixel], distances[pixel]) = (Int32(index + 1), whole)
                    }
                }
            }
        }
        return numbers
    }

    /// The pixels of an axis within a distance of a place.
    private static func pixels(_ place: Double, _ reach: Double, _ length: Int) -> Range<Int> {
        let last = Double(length - 1)
        let (low, high) = ((place - reach).rounded(.up), (place + reach).rounded(.down))
        guard low <= last, high >= 0, low <= high else { return 0..<0 }
        return Int(max(low, 0))..<Int(min(high, last)) + 1
    }
}
