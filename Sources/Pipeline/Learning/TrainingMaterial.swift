import Basics
import BlobStore
import CatalogSchema
import Engine
import Training
import Volumes

/// The tomograms of a training set as networks see them, and their voxel size.
///
/// Tomograms whose voxels have one digest are one volume, so that what is held out of one is held out of all.
struct TrainingMaterial {
    private(set) var volumes: [PatchVolume] = []
    private var places: [Int64: Int] = [:]
    private var placesOfVoxels: [String: Int] = [:]
    private var scalings: [Int64: DensityScaling] = [:]
    /// The side of a voxel, of the first tomogram; all others agree.
    private(set) var voxelSizeInAngstroms = 0.0
    private var voxelSizes: [Int64: VoxelSize] = [:]
    private let item: StepItem
    private let inputs: InputValues<Inputs>

    /// The inputs that a step declares to make use of it.
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
        try inputs.histograms.forEachMember { scope, content in
            guard let id = scope.tomogramID else { return }
            scalings[id] = try DensityScaling(content.histogram, of: scope.tomogram)
        }
    }

    /// The place of a member's voxels among the volumes, and its voxel size.
    ///
    /// - Throws: ``PipelineError`` where it has no voxel size, or another than the first one by more than the tolerance.
    mutating func volume(of scope: StepItem.Scope, tolerance: Double) throws -> (place: Int, voxelSize: VoxelSize) {
        guard let id = scope.tomogramID, let scaling = scalings[id] else {
            throw PipelineError("\(scope.tomogram) is in the training set and was not described; run again")
        }
        if let place = places[id], let size = voxelSizes[id] { return (place, size) }
        guard let size = try inputs.calibrations.value(of: scope).voxelSize else {
            throw PipelineError(
                "\(scope.tomogram) has no voxel size, which what is learned from it depends on: add it again with --voxel-size")
        }
        if volumes.isEmpty {
            voxelSizeInAngstroms = size.meanInAngstroms
        } else {
            try NetworkScale(voxelSizeInAngstroms: voxelSizeInAngstroms, tolerance: tolerance).check(size, of: scope.tomogram)
        }
        let volume = try inputs.voxels.open(of: scope)
        let digest = try inputs.descriptions.value(of: scope).digest
        let place = placesOfVoxels[digest] ?? volumes.count
        if place == volumes.count {
            try volumes.append(
                PatchVolume(
                    shape: volume.shape, mean: scaling.mean, standardDeviation: scaling.standardDeviation,
                    read: { box in scaling.clipped(try volume.read(box).floats()) }))
        }
        (places[id], placesOfVoxels[digest], voxelSizes[id]) = (place, place, size)
        return (place, size)
    }

    /// Labels of all members by the names of classes: pseudo-labels of slabs, and label annotations.
    mutating func labelSources(classes: [String], tolerance: Double) throws -> [LabelSource] {
        var sources: [LabelSource] = []
        // Classes of pseudo-labels have the numbers of `SliceInstances.Part`; what is not learned is ground, "neither" is ignored.
        var table: [UInt8] = [0, 0, 0, TrainingPatch.ignored]
        for (index, name) in classes.enumerated() {
            if let label = PseudoLabels.classes.firstIndex(of: name) { table[label + 1] = UInt8(index + 1) }
        }
        try inputs.pseudoLabels.forEachMember { scope, labels in
            guard let z = scope.z else { return }
            let place = try volume(of: scope, tolerance: tolerance).place
            let shape = volumes[place].shape
            guard try labels.shape() == [z.count, shape.y, shape.x], let box = shape.slices(z) else {
                throw PipelineError(
                    "the pseudo-labels of \(scope.tomogram) have another size than it; `cellar run` renews them")
            }
            let known = table
            sources.append(
                LabelSource(
                    member: .init(
                        tomogram: scope.tomogram, label: scope.label, digest: labels.digest.hexadecimal),
                    volume: place, box: box,
                    read: { slice in
                        try labels.classes(slice: slice - z.lowerBound).map {
                            Int($0) < known.count ? known[Int($0)] : TrainingPatch.ignored
                        }
                    }))
        }
        for member in try inputs.annotations where member.annotation.kind == .labels {
            let (scope, annotation) = (member.scope, member.annotation)
            let place = try volume(of: scope, tolerance: tolerance).place
            if let source = try labelSource(annotation, of: scope, place: place, classes: classes) { sources.append(source) }
        }
        return sources
    }

    /// A label annotation: from its first slice with a label to its last one, all voxels without a label are ground.
    private func labelSource(
        _ annotation: StepItem.Annotation, of scope: StepItem.Scope, place: Int, classes: [String]
    ) throws -> LabelSource? {
        let labels = try AnnotatedLabels(
            annotation, classes: classes, unnamed: .ground, of: scope.tomogram, shape: volumes[place].shape)
        guard let slices = try labels.labelledSlices(check: item.checkCancellation),
            let box = labels.shape.slices(slices)
        else { return nil }
        return LabelSource(
            member: .init(tomogram: scope.tomogram, label: scope.label), volume: place, box: box, read: labels.slice)
    }

    /// Particles of all members by the names of classes, in voxels of their tomogram: of pseudo-labels, and of point annotations.
    mutating func particleSources(classes: [String], tolerance: Double) throws -> [ParticleSource] {
        var sources: [ParticleSource] = []
        try inputs.pseudoLabels.forEachMember { scope, labels in
            guard let z = scope.z else { return }
            let (place, size) = try volume(of: scope, tolerance: tolerance)
            guard let box = volumes[place].shape.slices(z) else { return }
            try sources.append(
                ParticleSource(
                    labels,
                    member: .init(
                        tomogram: scope.tomogram, label: scope.label, digest: labels.digest.hexadecimal),
                    volume: place, box: box, voxelSize: size, class: classes.firstIndex(of: PseudoLabels.macromolecule)))
        }
        for member in try inputs.annotations where member.annotation.kind == .points {
            let (scope, annotation) = (member.scope, member.annotation)
            let (place, size) = try volume(of: scope, tolerance: tolerance)
            sources.append(
                ParticleSource(
                    annotation, member: .init(tomogram: scope.tomogram, label: scope.label), volume: place,
                    box: volumes[place].shape.box, voxelSize: size, classes: classes))
        }
        return sources
    }
}

/// The voxel size that a network was made for.
struct NetworkScale {
    let voxelSizeInAngstroms: Double
    /// The part by which another may differ.
    let tolerance: Double

    /// - Throws: ``PipelineError`` where a voxel size is another.
    func check(_ size: VoxelSize, of tomogram: String) throws {
        let lengths = [size.xInAngstroms, size.yInAngstroms, size.zInAngstroms]
        guard lengths.allSatisfy({ abs($0 - voxelSizeInAngstroms) <= tolerance * voxelSizeInAngstroms }) else {
            throw PipelineError(
                "\(tomogram) has a voxel size of \(size), and the training set of \(rounded(voxelSizeInAngstroms)) Å: rescale it, leave it "
                    + "out with --where, or raise voxel_size_tolerance")
        }
    }

    private func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}

extension VoxelSize {
    /// The side of a cube as large as a voxel.
    var meanInAngstroms: Double {
        let volume = xInAngstroms * yInAngstroms * zInAngstroms
        // Of cubic voxels exactly their side.
        return xInAngstroms == yInAngstroms && yInAngstroms == zInAngstroms ? xInAngstroms : volume.cubeRoot
    }

    /// A place in voxels.
    func voxels(_ place: SIMD3<Double>) -> SIMD3<Double> { place / SIMD3(xInAngstroms, yInAngstroms, zInAngstroms) }
}
