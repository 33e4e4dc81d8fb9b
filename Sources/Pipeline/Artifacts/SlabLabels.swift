import BlobStore
import CatalogSchema
import Engine
import ImageProcessing
import Volumes

/// Labels of a slab that are made slice by slice: what several sources say, or what labels and networks say.
protocol SliceLabels {
    /// The particles, in the order of their numbers, from 1.
    var rows: [ParticleTable.Row] { get }

    /// - Complexity: reads one slice of each source.
    func slice(_ slice: Int, height: Int, width: Int) throws -> AgreedLabels.Slice
}

extension AgreedLabels: SliceLabels {
    var rows: [ParticleTable.Row] { particles.particles }
}

/// The labels of a slab as they are written: numbered particles and pieces of membrane, without what is outside of the sample or
/// too small.
///
/// Membranes are drawn (``DrawnMembranes``) and cut (``SampleCut``) first. A piece of membrane that is too small is "neither". A
/// particle all of whose voxels belong to others has none left: it is no object.
struct SlabLabels {
    /// What a step that writes labels declares of it.
    struct Parameters: DeclarationGroup {
        let distance = Parameter.real(
            "particle.distance", default: 0.5, in: 0...2,
            "in diameters, how far two sources may place the centre of one particle apart")
        let smallestMembrane = Parameter.real(
            "membrane.smallest_volume", default: 1000, in: 0...1e9, "of a piece of membrane, in nm³; smaller ones are ignored")
        let thickness = Parameter.real(
            "membrane.thickness", default: 0, in: 0...1000,
            "full width in Å at which membranes are drawn around their centre surfaces; 0 for as the sources have them")
        let band = Parameter.real(
            "membrane.band", default: 20, in: 0...500, "width in Å around drawn membranes that is ignored")
        let sample = SampleCut.Parameters(
            SampleCut.Voxels.ground, "what becomes of voxels outside of the sample: ground to learn, or as the sources have them")
    }

    /// The particles and pieces of membrane, by their numbers.
    private(set) var particles: [FoundObject] = []
    private(set) var membranes: [FoundObject] = []
    /// The number of voxels of each part, ``SliceInstances/Part``, as they were written.
    private(set) var voxels = [Int](repeating: 0, count: SliceInstances.Part.allCases.count)

    private var drawn: DrawnMembranes
    private let sample: SampleCut?
    private let shape: VolumeShape
    private let frame: ObjectFrame
    private let haveConfidence: Bool
    private let check: () throws -> Void
    private let isOutside: [Bool]
    private let pieces: VolumeComponents.Numbering
    /// For each particle that is left its row.
    private let found: [ParticleTable.Row]
    /// For each particle of the labels its number as an object; 0 where it has no voxel.
    private let numbers: [Int32]

    /// - Parameters:
    ///   - smallest: the least volume of a piece of membrane, in nm³.
    ///   - haveConfidence: whether pieces of membrane have one.
    ///   - check: called before each slice; throws to stop.
    /// - Complexity: reads the labels once; memory for two slices and the tables of objects.
    init(
        _ drawn: DrawnMembranes, in sample: SampleCut?, shape: VolumeShape, frame: ObjectFrame, smallestMembrane smallest: Double,
        haveConfidence: Bool, check: @escaping () throws -> Void
    ) throws {
        (self.drawn, self.sample, self.shape, self.frame) = (drawn, sample, shape, frame)
        (self.haveConfidence, self.check) = (haveConfidence, check)
        let rows = drawn.labels.rows
        let isOutside = rows.map { particle in
            sample.map { !$0.contains(particle.centreInAngstroms / frame.voxelSize.vectorInAngstroms) } ?? false
        }
        self.isOutside = isOutside
        var drawn = drawn
        var components = VolumeComponents()
        var extents = [VoxelExtent](repeating: VoxelExtent(), count: rows.count)
        for z in 0..<shape.z {
            try check()
            let slice = try Self.slice(z, of: &drawn, in: sample, isOutside, shape: shape, firstSlice: frame.firstSlice)
            try components.add(shape.image(slice.classes).membrane)
            for (pixel, number) in slice.particles.enumerated() where number > 0 {
                extents[Int(number) - 1].add(x: pixel % shape.x, y: pixel / shape.x, z: z)
            }
        }
        let leastVoxels = (smallest / frame.voxelSize.volumeInCubicNanometers).rounded(.up)
        pieces = components.finished(leastVoxels: max(1, Int(leastVoxels)))
        let left = zip(rows, extents).enumerated().filter { $1.1.voxels > 0 }
        var numbers = [Int32](repeating: 0, count: extents.count + 1)
        for (number, particle) in left.enumerated() { numbers[particle.offset + 1] = Int32(number + 1) }
        self.numbers = numbers
        found = left.map(\.element.0)
        particles = left.enumerated().map { frame.object($1.element.0, $1.element.1, number: $0 + 1) }
    }

    /// Writes classes, objects and the table of particles; then ``membranes`` and ``voxels`` are known.
    ///
    /// - Complexity: reads the labels once.
    mutating func write(to artifact: ArtifactWriter) throws {
        var certainties = [Double](repeating: 0, count: pieces.components.count)
        var counts = [Int](repeating: 0, count: voxels.count)
        let writer = try PseudoLabels.Writer(artifact, depth: shape.z, height: shape.y, width: shape.x)
        for z in 0..<shape.z {
            try check()
            let slice = try Self.slice(z, of: &drawn, in: sample, isOutside, shape: shape, firstSlice: frame.firstSlice)
            let classes = try shape.image(slice.classes)
            let pieces = try pieces.numbers(of: classes.membrane, inSlice: z)
            for (pixel, number) in pieces.values.enumerated() {
                let part = slice.classes[pixel]
                let isTooSmall = part == SliceInstances.Part.membrane.rawValue && number == 0
                counts[min(Int(isTooSmall ? SliceInstances.Part.neither.rawValue : part), counts.count - 1)] += 1
                if number > 0 { certainties[Int(number) - 1] += Double(slice.membrane[pixel]) / 255 }
            }
            try writer.append(classes: classes, particles: shape.image(slice.particles).relabelled(by: numbers)) { pixel in
                let number = pieces.values[pixel]
                return number > 0 ? number + Int32(particles.count) : 0
            }
        }
        try PseudoLabels.write(zip(particles, found).map { ($0, $1.code != 0) }, to: artifact)
        membranes = pieces.components.enumerated().map { index, piece in
            frame.membrane(
                piece, number: particles.count + index + 1,
                confidence: haveConfidence ? certainties[index] / Double(piece.voxels) : nil)
        }
        voxels = counts
    }

    /// A slice of the labels, with what lies outside of the sample cut away.
    private static func slice(
        _ z: Int, of drawn: inout DrawnMembranes, in sample: SampleCut?, _ isOutside: [Bool], shape: VolumeShape, firstSlice: Int
    ) throws -> AgreedLabels.Slice {
        var slice = try drawn.slice(z)
        for (pixel, number) in slice.particles.enumerated() where number > 0 && isOutside[Int(number) - 1] {
            slice.particles[pixel] = 0
            slice.classes[pixel] = SliceInstances.Part.neither.rawValue
        }
        sample?.cut(&slice, z: z + firstSlice, shape: shape)
        return slice
    }
}
