import Basics
import BlobStore
import CatalogSchema
import Engine
import Training
import Volumes

/// The tomograms of a training set as inputs of networks, and the labels and particles of its members.
///
/// Tomograms whose voxels have the same digest are one volume, so that a part that is held out of one is held out of all.
struct TrainingMaterial {
    private(set) var volumes: [PatchVolume] = []
    /// The index in ``volumes`` of each tomogram, by its row of the catalog.
    private var indexOfTomogram: [Int64: Int] = [:]
    /// The same by the digest of the voxels.
    private var indexOfVoxels: [String: Int] = [:]
    private var scalings: [Int64: DensityScaling] = [:]
    /// The side of a voxel of the first tomogram: the geometric mean of the three sides. Those of the others are checked against it.
    private(set) var voxelSizeInAngstroms = 0.0
    private var voxelSizes: [Int64: VoxelSize] = [:]
    private let item: StepItem
    private let inputs: InputValues<Inputs>

    /// The inputs that a step declares in order to use training material.
    public struct Inputs: DeclarationGroup {
        let voxels = Input.voxels
        let annotations = Input.annotations
        let descriptions = Input(each: DescribeStep.self, \.voxels)
        let histograms = Input(each: DescribeStep.self, \.histogram)
        let calibrations = Input(each: CalibrateStep.self, \.voxelSize)
        let pseudoLabels = Input(each: PseudoLabelsStep.self, \.labels)
    }

    init(_ item: StepItem, _ inputs: InputValues<Inputs>) throws {
        self.item = item
        self.inputs = inputs
        try inputs.histograms.forEachScope { scope, content in
            guard let id = scope.tomogramID else { return }
            scalings[id] = try DensityScaling(content.histogram, of: scope.tomogram)
        }
    }

    /// The index of a member's tomogram in ``volumes``, and its voxel size. Opens the tomogram when it is asked for first.
    ///
    /// - Parameter tolerance: the largest relative difference of a side from the voxel size of the first tomogram.
    /// - Throws: ``PipelineError`` where the voxel size is not known, or differs by more.
    mutating func volume(of scope: StepItem.Scope, tolerance: Double) throws -> (index: Int, voxelSize: VoxelSize) {
        guard let id = scope.tomogramID, let scaling = scalings[id] else {
            throw PipelineError("\(scope.tomogram) is in the training set and was not described; run again")
        }
        if let index = indexOfTomogram[id], let size = voxelSizes[id] { return (index, size) }
        guard let size = try inputs.calibrations.value(of: scope).voxelSize else {
            throw PipelineError(
                "\(scope.tomogram) has no voxel size, which what is learned from it depends on: add it again with --voxel-size")
        }
        let volume = try inputs.voxels.open(of: scope)
        if volumes.isEmpty { voxelSizeInAngstroms = size.meanInAngstroms }
        // Tomograms that teach are never scaled: this only throws.
        _ = try VoxelScale(
            size, of: volume.shape, learned: voxelSizeInAngstroms, tolerance: tolerance, most: 1, tomogram: scope.tomogram)
        let digest = try inputs.descriptions.value(of: scope).digest
        let index = indexOfVoxels[digest] ?? volumes.count
        if index == volumes.count {
            try volumes.append(
                PatchVolume(
                    shape: volume.shape, mean: scaling.mean, standardDeviation: scaling.standardDeviation,
                    read: { box in scaling.clipped(try volume.read(box).floats()) }))
        }
        (indexOfTomogram[id], indexOfVoxels[digest], voxelSizes[id]) = (index, index, size)
        return (index, size)
    }

    /// The labels of all members: pseudo-labels of slabs, and label annotations.
    ///
    /// - Parameter classes: the names of the classes that are learned, in the order of their labels from 1.
    /// - Throws: ``PipelineError`` where labels have another size than their tomogram; as ``volume(of:tolerance:)``.
    mutating func labelSources(classes: [String], tolerance: Double) throws -> [LabelSource] {
        var sources: [LabelSource] = []
        // A class that is not learned becomes ground; the label after the last class, "neither", is ignored.
        let table = ClassList.table(from: PseudoLabels.classes, to: classes, other: TrainingPatch.ignored)
        try inputs.pseudoLabels.forEachScope { scope, labels in
            guard let z = scope.z else { return }
            let index = try volume(of: scope, tolerance: tolerance).index
            let shape = volumes[index].shape
            guard try labels.shape() == [z.count, shape.y, shape.x], let box = shape.slices(z) else {
                throw PipelineError(
                    "the pseudo-labels of \(scope.tomogram) have another size than it; `cellar run` renews them")
            }
            sources.append(
                LabelSource(
                    member: .init(
                        tomogram: scope.tomogram, label: scope.label, digest: labels.digest.hexadecimal),
                    volume: index, box: box,
                    read: { slice in try labels.classes(slice: slice - z.lowerBound).map { table[Int($0)] } }))
        }
        for member in try inputs.annotations where member.annotation.kind == .labels {
            let (scope, annotation) = (member.scope, member.annotation)
            let index = try volume(of: scope, tolerance: tolerance).index
            sources.append(try labelSource(annotation, of: scope, index: index, classes: classes))
        }
        return sources
    }

    /// The labels of an annotation, from its first slice with a label to its last one: there, voxels without a label are ground. One without any
    /// label is ground everywhere: somebody looked, and there is nothing. The member's label says so.
    private func labelSource(
        _ annotation: StepItem.Annotation, of scope: StepItem.Scope, index: Int, classes: [String]
    ) throws -> LabelSource {
        let labels = try AnnotatedLabels(
            annotation, classes: classes, unnamed: .ground, of: scope.tomogram, shape: volumes[index].shape)
        let slices = try labels.labelledSlices(check: item.checkCancellation)
        return LabelSource(
            member: .init(tomogram: scope.tomogram, label: slices == nil ? "\(scope.label), without a label" : scope.label),
            volume: index, box: slices.flatMap(labels.shape.slices) ?? labels.shape.box, read: labels.slice)
    }

    /// The particles of all members, in voxels of their tomogram: of pseudo-labels, and of point annotations. Those of one tomogram
    /// do not know of each other yet (``ParticleSource/introduce(_:)``).
    ///
    /// - Parameter classes: the names of the classes that are learned.
    /// - Throws: as ``volume(of:tolerance:)``.
    mutating func particleSources(classes: [String], tolerance: Double) throws -> [ParticleSource] {
        var sources: [ParticleSource] = []
        try inputs.pseudoLabels.forEachScope { scope, labels in
            guard let z = scope.z else { return }
            let (index, size) = try volume(of: scope, tolerance: tolerance)
            guard let box = volumes[index].shape.slices(z) else { return }
            try sources.append(
                ParticleSource(
                    labels,
                    member: .init(
                        tomogram: scope.tomogram, label: scope.label, digest: labels.digest.hexadecimal),
                    volume: index, box: box, voxelSize: size, class: classes.firstIndex(of: PseudoLabels.macromolecule)))
        }
        for member in try inputs.annotations where member.annotation.kind == .points {
            let (scope, annotation) = (member.scope, member.annotation)
            let (index, size) = try volume(of: scope, tolerance: tolerance)
            sources.append(
                ParticleSource(
                    annotation, member: .init(tomogram: scope.tomogram, label: scope.label), volume: index,
                    box: volumes[index].shape.box, voxelSize: size, classes: classes))
        }
        return sources
    }
}
