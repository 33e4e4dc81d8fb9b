import BlobStore
import Engine
import Training
import Volumes

/// Particles in a part of a tomogram, and what else is known of it.
///
/// Pseudo-labels know only a part of what there is. A particle is not known where it is cut off: where it touches the slab's
/// first or last slice, or its ball does not lie in the slab. It has another centre than what was seen of it. Nothing is known
/// where pseudo-labels say "neither", among it all instances that are no particle. None of this is learned, as particle or as
/// ground. Of points of a person all the rest is ground.
struct ParticleSource {
    struct Particle {
        /// In voxels of the tomogram: x, y, z.
        let centre: SIMD3<Double>
        /// nil where nobody says.
        let radiusInAngstroms: Double?
        /// From 0.
        let `class`: Int
        /// Whether it touches the slab's first or last slice.
        var isAtEnd = false
        /// The number that its voxels have in the pseudo-labels.
        var number: Int32 = 0
    }

    /// What pseudo-labels say of the voxels of a slice.
    private typealias Slice = (classes: [UInt8], objects: [Int32])

    let member: NetworkDescription.Member
    /// The place of its tomogram's voxels in the list of volumes.
    let volume: Int
    let box: Box
    let particles: [Particle]
    /// nil of points of a person.
    private let pseudoLabels: (@Sendable (_ z: Int) throws -> Slice)?
    /// The classes of pseudo-labels of which is not known whether they are learned.
    private let unknownParts: Set<UInt8>

    /// The particles of the pseudo-labels of a slab.
    ///
    /// - Parameters:
    ///   - box: the voxels of the slab.
    ///   - class: what macromolecules are among the classes that are learned; nil where they are not: any of them may be.
    init(
        _ labels: PseudoLabels, member: NetworkDescription.Member, volume: Int, box: Box, voxelSize: VoxelSize, class: Int?
    ) throws {
        (self.member, self.volume, self.box) = (member, volume, box)
        particles = try labels.particles().enumerated().compactMap { index, particle in
            `class`.map {
                Particle(
                    centre: voxelSize.voxels(particle.centreInAngstroms),
                    radiusInAngstroms: particle.radiusInAngstroms > 0 ? particle.radiusInAngstroms : nil, class: $0,
                    isAtEnd: particle.isCutOff, number: Int32(index + 1))
            }
        }
        let unknown: [SliceInstances.Part] = `class` == nil ? [.neither, .macromolecule] : [.neither]
        unknownParts = Set(unknown.map(\.rawValue))
        pseudoLabels = { z in
            let slice = z - box.z.lowerBound
            return (try labels.classes(slice: slice), try labels.objects(slice: slice))
        }
    }

    /// The points of a person.
    ///
    /// - Parameter box: the voxels of the whole tomogram.
    init(
        _ annotation: StepItem.Annotation, member: NetworkDescription.Member, volume: Int, box: Box, voxelSize: VoxelSize,
        classes: [String]
    ) {
        (self.member, self.volume, self.box) = (member, volume, box)
        let radii = Dictionary(
            annotation.classes.map { ($0.name, $0.radiusInAngstroms) }, uniquingKeysWith: { first, _ in first })
        particles = annotation.points.compactMap { point in
            classes.firstIndex(of: point.className).map { index in
                Particle(
                    centre: voxelSize.voxels(point.positionInAngstroms), radiusInAngstroms: radii[point.className] ?? nil,
                    class: index)
            }
        }
        (pseudoLabels, unknownParts) = (nil, [])
    }

    /// Whether a part of the particle may lie beyond what was labelled, so that its centre is not known.
    ///
    /// - Parameter radius: of its ball, in voxels.
    func cutsOff(_ particle: Particle, radius: Double) -> Bool {
        guard pseudoLabels != nil else { return false }
        func isWithin(_ axis: Range<Int>, _ centre: Double) -> Bool {
            centre - radius >= Double(axis.lowerBound) - 0.5 && centre + radius <= Double(axis.upperBound) - 0.5
        }
        return particle.isAtEnd
            || !(isWithin(box.z, particle.centre.z) && isWithin(box.y, particle.centre.y) && isWithin(box.x, particle.centre.x))
    }

    /// The particles whose centres are known.
    ///
    /// - Parameter radii: of each class, in voxels.
    func known(radii: [Double]) -> [Particle] { particles.filter { !cutsOff($0, radius: radii[$0.class]) } }

    /// Makes regions of parts of the box: patches are centred on particles that are known, whose balls are labelled by their
    /// class. Where nothing is known, among it the balls and the voxels of particles that are cut off, labels are ignored.
    func regions(radii: [Double]) throws -> (_ part: Box) -> LabelledRegion {
        let (known, volume) = (known(radii: radii), volume)
        let cutOff = particles.filter { cutsOff($0, radius: radii[$0.class]) }
        // Particles that are known come last: where balls overlap, they count.
        let balls = try BallLabels(
            cutOff.map { .init(center: $0.centre, radius: radii[$0.class], label: TrainingPatch.ignored) }
                + known.map { .init(center: $0.centre, radius: radii[$0.class], label: UInt8($0.class + 1)) })
        let (unknownParts, unknownObjects) = (unknownParts, Set(cutOff.map(\.number)))
        let ground = pseudoLabels.map { read in
            LabelSource(member: member, volume: volume, box: box) { z in
                let slice = try read(z)
                return zip(slice.classes, slice.objects).map { part, object in
                    unknownParts.contains(part) || (object > 0 && unknownObjects.contains(object)) ? TrainingPatch.ignored : 0
                }
            }
        }
        return { part in
            let centres = known.map(\.centre).filter { part.z.holds($0.z) && part.y.holds($0.y) && part.x.holds($0.x) }
            return LabelledRegion(
                volume: volume, box: part, foreground: .particles(centres),
                labels: { balls.labels(in: $0, over: try ground?.labels(in: $0)) })
        }
    }
}

extension Range<Int> {
    /// Whether a place lies in one of these voxels.
    fileprivate func holds(_ place: Double) -> Bool { place >= Double(lowerBound) - 0.5 && place <= Double(upperBound) - 0.5 }
}
