import BlobStore
import Engine
import Training
import Volumes

/// The particles in a part of a tomogram, from pseudo-labels or from points of a person, and the voxels that training ignores.
///
/// Pseudo-labels are incomplete. The centre of a particle is not known where the slab cuts it off: where it touches the first or last slice of
/// the slab, or where its ball does not lie within the slab. Voxels of the class "neither" are not known either; these include rejected
/// instances. Training ignores both, as particle and as ground, and so it does particles of other sizes than are learned. With points of a person, all voxels outside of the balls are ground.
///
/// What people say of single particles changes both (``curated(_:by:radii:use:)``).
struct ParticleSource {
    struct Particle {
        /// x, y, z in voxels of the tomogram.
        let centre: SIMD3<Double>
        /// nil where it is not known.
        let radiusInAngstroms: Double?
        /// The index of the class, from 0.
        let `class`: Int
        /// Whether the particle touches the first or last slice of the slab.
        var isAtEnd = false
        /// Whether it is of another size than what is learned, and so is ignored.
        var isOfAnotherSize = false
        /// The number of its voxels in the pseudo-labels' volume of objects.
        var number: Int32 = 0
        /// Whether a person says where its centre is, so that no end of the slab makes it doubtful.
        var isCertain = false
    }

    /// The pseudo-labels of a slice: class and object of each voxel, `[y][x]`.
    private typealias Slice = (classes: [UInt8], objects: [Int32])

    let member: NetworkDescription.Member
    /// The index of the tomogram in ``TrainingMaterial/volumes``.
    let volume: Int
    let box: Box
    private(set) var particles: [Particle]
    /// What people say is no particle, with the numbers of its voxels where pseudo-labels take it for one.
    private(set) var rejected: [Particle] = []
    /// Where of these patches may be centred: those that no other source shows.
    private var rejectedCentres: [SIMD3<Double>] = []
    private var use = CurationUse.off
    /// What other annotations of the same tomogram mark: particles as well, which other sources centre patches on.
    private(set) var companions: [Particle] = []
    /// Reads the pseudo-labels of a slice; nil for points of a person.
    private let pseudoLabels: (@Sendable (_ z: Int) throws -> Slice)?
    /// The classes of pseudo-labels, ``SliceInstances/Part``, that training ignores.
    private let unknownParts: Set<UInt8>

    /// The particles of the pseudo-labels of a slab.
    ///
    /// - Parameters:
    ///   - box: the voxels of the slab.
    ///   - class: the index of the class macromolecule among the classes of the training; nil where it is none of them. Then a macromolecule may
    ///     belong to any class, and is ignored.
    init(
        _ labels: PseudoLabels, member: NetworkDescription.Member, volume: Int, box: Box, voxelSize: VoxelSize, class: Int?
    ) throws {
        (self.member, self.volume, self.box) = (member, volume, box)
        particles = try labels.particles().enumerated().compactMap { index, particle in
            `class`.map {
                Particle(
                    centre: particle.centreInAngstroms / voxelSize.vectorInAngstroms,
                    radiusInAngstroms: particle.radiusInAngstroms > 0 ? particle.radiusInAngstroms : nil, class: $0,
                    isAtEnd: PseudoLabels.isCutOff(particle), number: Int32(index + 1))
            }
        }
        let unknown: [SliceInstances.Part] = `class` == nil ? [.neither, .macromolecule] : [.neither]
        unknownParts = Set(unknown.map(\.rawValue))
        pseudoLabels = { z in
            let slice = z - box.z.lowerBound
            return (try labels.classes(slice: slice), try labels.objects(slice: slice))
        }
    }

    /// The points of an annotation.
    ///
    /// - Parameter box: the voxels of the whole tomogram.
    init(
        _ annotation: StepItem.Annotation, member: NetworkDescription.Member, volume: Int, box: Box, voxelSize: VoxelSize,
        classes: [String]
    ) {
        let radii = Dictionary(
            annotation.classes.map { ($0.name, $0.radiusInAngstroms) }, uniquingKeysWith: { first, _ in first })
        let particles = annotation.points.compactMap { point in
            classes.firstIndex(of: point.className).map { index in
                Particle(
                    centre: point.positionInAngstroms / voxelSize.vectorInAngstroms,
                    radiusInAngstroms: radii[point.className] ?? nil,
                    class: index)
            }
        }
        self.init(particles, member: member, volume: volume, box: box)
    }

    /// Points of a person, in the whole box.
    init(_ particles: [Particle], member: NetworkDescription.Member, volume: Int, box: Box) {
        (self.particles, self.member, self.volume, self.box) = (particles, member, volume, box)
        (pseudoLabels, unknownParts) = (nil, [])
    }

    /// Tells sources of points what the others of the same tomogram mark, so that none teaches the others' particles as ground.
    static func introduce(_ sources: [ParticleSource]) -> [ParticleSource] {
        sources.enumerated().map { index, source in
            guard source.pseudoLabels == nil else { return source }
            var source = source
            source.companions += sources.enumerated().flatMap { other, companion in
                other != index && companion.pseudoLabels == nil && companion.volume == source.volume ? companion.particles : []
            }
            return source
        }
    }

    /// The source with particles of pseudo-labels ignored whose diameters are known and lie outside of a range, in Å.
    func learning(diametersInAngstroms range: ClosedRange<Double>) -> ParticleSource {
        guard pseudoLabels != nil else { return self }
        var source = self
        for index in particles.indices {
            guard let radius = particles[index].radiusInAngstroms else { continue }
            source.particles[index].isOfAnotherSize = !range.contains(2 * radius)
        }
        return source
    }

    /// Whether a particle is ignored: it is of another size than what is learned, or a part of it may lie outside of the slab, so that its
    /// centre is not known. False for points of a person, and where a person says that it is one.
    ///
    /// - Parameter radius: the radius of its ball, in voxels.
    func ignores(_ particle: Particle, radius: Double) -> Bool {
        guard pseudoLabels != nil, !particle.isCertain else { return false }
        func isWithin(_ axis: Range<Int>, _ centre: Double) -> Bool {
            centre - radius >= Double(axis.lowerBound) - 0.5 && centre + radius <= Double(axis.upperBound) - 0.5
        }
        return particle.isOfAnotherSize || particle.isAtEnd
            || !(isWithin(box.z, particle.centre.z) && isWithin(box.y, particle.centre.y) && isWithin(box.x, particle.centre.x))
    }

    /// The particles that are not ignored.
    ///
    /// - Parameter radii: the radius of each class, in voxels.
    func known(radii: [Double]) -> [Particle] { particles.filter { !ignores($0, radius: radii[$0.class]) } }

    /// What makes regions of parts of the box. Patches are centred on the particles that are not ignored; the balls of these have
    /// the label of their class. Labels are ignored in unknown voxels, and in the balls and voxels of ignored particles.
    /// What people rejected is ground or ignored (``CurationUse``).
    ///
    /// - Parameters:
    ///   - radii: the radius of each class, in voxels.
    ///   - target: the radius of the balls that are learned, as a part of the particles'; see ``BallLabels/Ball/shrunk(to:)``.
    func regions(radii: [Double], target: Double) throws -> ParticleRegions {
        let (known, volume) = (known(radii: radii), volume)
        let ignored = particles.filter { ignores($0, radius: radii[$0.class]) }
        let (rejectedLabel, ignoresRejected): (UInt8, Bool) = use == .ground ? (0, false) : (TrainingPatch.ignored, true)
        // Where balls overlap, the last one gives the label: that of a particle that is not ignored.
        let balls = try BallLabels(
            ignored.map { .init(center: $0.centre, radius: radii[$0.class], label: TrainingPatch.ignored) }
                + rejected.map { .init(center: $0.centre, radius: radii[$0.class], label: rejectedLabel) }
                + (companions + known).map {
                    .init(center: $0.centre, radius: radii[$0.class], label: UInt8($0.class + 1)).shrunk(to: target)
                })
        let (unknownParts, unknownObjects) = (unknownParts, Set((ignored + (ignoresRejected ? rejected : [])).map(\.number)))
        let ground = pseudoLabels.map { read in
            LabelSource(member: member, volume: volume, box: box) { z in
                let slice = try read(z)
                return zip(slice.classes, slice.objects).map { part, object in
                    unknownParts.contains(part) || (object > 0 && unknownObjects.contains(object)) ? TrainingPatch.ignored : 0
                }
            }
        }
        return ParticleRegions(
            volume: volume, centres: known.map(\.centre), rejected: ignoresRejected ? [] : rejectedCentres
        ) { try balls.labels(in: $0, over: ground?.labels(in: $0)) }
    }
}

/// Makes regions of parts of a source's box, which share what is kept of its labels.
struct ParticleRegions {
    let volume: Int
    let centres: [SIMD3<Double>]
    /// Where people say is none, and what is there is ground.
    let rejected: [SIMD3<Double>]
    let labels: @Sendable (Box) throws -> [UInt8]

    /// - Parameter showsRejected: whether patches are also centred on what people rejected.
    func callAsFunction(_ part: Box, showsRejected: Bool = false) -> LabelledRegion {
        let places = (centres + (showsRejected ? rejected : [])).filter(part.holds)
        return LabelledRegion(volume: volume, box: part, foreground: .particles(places), labels: labels)
    }
}

extension ParticleSource {
    /// Takes over what people say of particles of its tomogram, each with the index of the particle of this source that it is
    /// about, and whether this is the source that shows it.
    mutating func apply(_ verdicts: [(verdict: ParticleVerdict, particle: Int?, isOwn: Bool)], use: CurationUse) {
        self.use = use
        var isRemoved = [Bool](repeating: false, count: particles.count)
        var added: [Particle] = []
        for (verdict, index, isOwn) in verdicts {
            var particle = Particle(centre: verdict.centre, radiusInAngstroms: nil, class: verdict.class, isCertain: true)
            if let index {
                let shown = particles[index]
                particle = Particle(
                    centre: verdict.centre, radiusInAngstroms: shown.radiusInAngstroms, class: verdict.class,
                    number: shown.number, isCertain: true)
            }
            switch (verdict.isParticle, index) {
            case (true, let index?): particles[index] = particle
            case (true, nil): if isOwn { added.append(particle) } else { companions.append(particle) }
            case (false, let index):
                if let index { isRemoved[index] = true }
                rejected.append(particle)
                if isOwn { rejectedCentres.append(verdict.centre) }
            }
        }
        particles = particles.indices.filter { !isRemoved[$0] }.map { particles[$0] } + added
    }
}

extension Range<Int> {
    /// Whether a coordinate lies in one of these voxels, each of which reaches half a voxel to both sides of its centre.
    func holds(_ coordinate: Double) -> Bool {
        coordinate >= Double(lowerBound) - 0.5 && coordinate <= Double(upperBound) - 0.5
    }
}
