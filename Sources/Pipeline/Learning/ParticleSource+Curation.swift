import CatalogSchema
import Engine
import Training
import Volumes

/// What training does with what people say of single particles: of what they rejected, since particles are particles in any case.
enum CurationUse: String, CaseIterable, Sendable {
    /// What was rejected is ground, and patches are centred on it: where the network was wrong, it learns most.
    case ground
    /// What was rejected is neither ground nor particle.
    case ignored
    /// Nobody asks what people say.
    case off

    /// What people say, as an input of steps that have the parameter `curation`.
    static let input = Input.curation(by: "curation", of: allCases.map(\.rawValue), unused: off.rawValue)
}

/// What a person says of a place in the training material.
struct ParticleVerdict: Sendable {
    /// The index of the tomogram in ``TrainingMaterial/volumes``.
    let volume: Int
    /// x, y, z in voxels of the tomogram.
    let centre: SIMD3<Double>
    /// The index of the class, from 0.
    let `class`: Int
    /// Whether there is a particle; else one was rejected.
    let isParticle: Bool
}

extension TrainingMaterial {
    /// What people say of single particles of the members' tomograms, as far as these hold the place and the class is learned.
    ///
    /// - Parameter classes: the names of the classes that are learned.
    /// - Throws: as ``volume(of:tolerance:)``.
    mutating func verdicts(_ curation: [CurationMember], classes: [String], tolerance: Double) throws -> [ParticleVerdict] {
        var verdicts: [ParticleVerdict] = []
        for member in curation {
            let index = try volume(of: member.scope, tolerance: tolerance).index
            verdicts += member.verdicts.compactMap { verdict in
                guard let number = classes.firstIndex(of: verdict.className),
                    volumes[index].shape.box.holds(verdict.positionInVoxels)
                else { return nil }
                return ParticleVerdict(
                    volume: index, centre: verdict.positionInVoxels, class: number, isParticle: verdict.verdict.isParticle)
            }
        }
        return verdicts
    }
}

extension ParticleSource {
    /// Sources with what people say of single particles.
    ///
    /// A verdict is about the nearest particle of its class within the class's radius, one to one (``CurationMatch``). What is
    /// rejected is no particle. What is accepted or added is one, where the person says, also where the end of a slab cuts it off.
    /// One that no source shows belongs to the first whose voxels hold it: patches are centred on it there, and the others of the
    /// tomogram know it.
    ///
    /// - Parameter radii: the radius of each class, in voxels.
    /// - Returns: the sources, and the verdicts on places that no source holds.
    static func curated(
        _ sources: [ParticleSource], by verdicts: [ParticleVerdict], radii: [Double], use: CurationUse
    ) -> (sources: [ParticleSource], beyond: [ParticleVerdict]) {
        guard !verdicts.isEmpty, use != .off else { return (sources, []) }
        let matches = sources.map { source in
            let judged = verdicts.indices.filter { verdicts[$0].volume == source.volume }
            let match = CurationMatch(
                judged.map { ("\(verdicts[$0].class)", verdicts[$0].centre) },
                on: source.particles.map { .init(className: "\($0.class)", center: $0.centre, radius: radii[$0.class]) })
            return match.verdictOfParticle.map { $0.map { judged[$0] } }
        }
        // The source to which each verdict belongs.
        let owners = verdicts.indices.map { index in
            matches.firstIndex { $0.contains(index) }
                ?? sources.firstIndex { $0.volume == verdicts[index].volume && $0.box.holds(verdicts[index].centre) }
        }
        let curated = sources.indices.map { number in
            var source = sources[number]
            let match = matches[number]
            source.apply(
                verdicts.indices.filter { verdicts[$0].volume == source.volume }.map { index in
                    (verdict: verdicts[index], particle: match.firstIndex(of: index), isOwn: owners[index] == number)
                }, use: use)
            return source
        }
        return (curated, verdicts.indices.filter { owners[$0] == nil }.map { verdicts[$0] })
    }

    /// Regions that show what people say of places that no source holds: the ball of each, around which nothing is known.
    ///
    /// - Parameters:
    ///   - radii: the radius of each class, in voxels.
    ///   - target: the radius of the balls that are learned, as a part of the particles'.
    ///   - shapes: of the volumes.
    ///   - isHeldOut: whether columns x of a volume are held out; what lies in them teaches nothing.
    /// - Returns: a region for each, with the place as the one on which patches are centred; and how many of them show a particle.
    static func regions(
        beyond verdicts: [ParticleVerdict], radii: [Double], target: Double, shapes: [VolumeShape], use: CurationUse,
        isHeldOut: (_ volume: Int, _ x: Range<Int>) -> Bool
    ) throws -> (regions: [LabelledRegion], particles: Int) {
        let shown = verdicts.filter { $0.isParticle || use == .ground }
        var (regions, particles): ([LabelledRegion], Int) = ([], 0)
        for volume in Set(shown.map(\.volume)).sorted() {
            let own = shown.filter { $0.volume == volume }
            // Where balls overlap, the last one gives the label: that of a particle.
            let balls = try BallLabels(
                (own.filter { !$0.isParticle } + own.filter(\.isParticle)).map { verdict in
                    let radius = radii[verdict.class]
                    guard verdict.isParticle else { return .init(center: verdict.centre, radius: radius, label: 0) }
                    return .init(center: verdict.centre, radius: radius, label: UInt8(verdict.class + 1)).shrunk(to: target)
                })
            for verdict in own {
                guard let box = shapes[volume].box(around: verdict.centre, radius: radii[verdict.class]),
                    !isHeldOut(volume, box.x)
                else { continue }
                particles += verdict.isParticle ? 1 : 0
                regions.append(
                    LabelledRegion(volume: volume, box: box, foreground: .particles([verdict.centre])) { part in
                        balls.labels(in: part, over: [UInt8](repeating: TrainingPatch.ignored, count: part.shape.count))
                    })
            }
        }
        return (regions, particles)
    }
}

extension Box {
    /// Whether a position lies in one of the voxels, each of which reaches half a voxel to both sides of its centre.
    func holds(_ position: SIMD3<Double>) -> Bool { z.holds(position.z) && y.holds(position.y) && x.holds(position.x) }
}

extension VolumeShape {
    /// The voxels of a cube around a position that lie in the volume, and that of the position at least; nil where it lies outside.
    fileprivate func box(around centre: SIMD3<Double>, radius: Double) -> Box? {
        guard box.holds(centre) else { return nil }
        func range(_ centre: Double, _ count: Int) -> Range<Int> {
            let middle = min(max(Int(centre.rounded()), 0), count - 1)
            let first = max(0, min(middle, Int((centre - radius).rounded(.up))))
            return first..<min(count, max(middle, Int((centre + radius).rounded(.down))) + 1)
        }
        return Box(z: range(centre.z, z), y: range(centre.y, y), x: range(centre.x, x))
    }
}
