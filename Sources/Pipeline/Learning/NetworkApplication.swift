import Basics
import CatalogSchema
import Engine
import Foundation
import Tensors
import Training
import Volumes

/// Which networks a step applies to a tomogram.
enum NetworkChoice: String, CaseIterable, Sendable {
    /// The one that the current training set taught. Without a training set, the step has no items.
    case trained
    /// The model that the recipe names: one that is there before anything was picked.
    case builtin
    /// Both, averaged; the model alone as long as there is no training set.
    case both
}

/// Networks and the tomogram that they are applied to: what ``SegmentStep`` and ``PickStep`` declare and open alike.
///
/// Several networks are averaged, class by class: what a network does not know, the others decide. A tomogram of another voxel size than a
/// network's is scaled while it is read, and so is what the network says of it (``VoxelScale``).
struct NetworkApplication {
    /// The inputs of a step that applies networks.
    public struct Inputs: DeclarationGroup {
        let voxels = Input.voxels
        let histogram = Input(DescribeStep.self, \.histogram)
        let calibration = Input(CalibrateStep.self, \.voxelSize)
        let network: Input<TrainedNetwork?>

        /// - Parameter step: the step that trains the network.
        init<S: TypedStep>(trainedBy step: S.Type) where S.Outputs == TrainingOutputs {
            network = Input(
                step, \.network, by: Parameters.choiceName,
                needs: [NetworkChoice.builtin.rawValue: .never, NetworkChoice.both.rawValue: .whereThere])
        }
    }

    /// The parameters of a step that applies networks.
    public struct Parameters: DeclarationGroup {
        static let choiceName = "network"

        /// The copies of a block over which a network is averaged.
        enum Copies: String, CaseIterable, Sendable {
            case one = "1"
            case four = "4"
            case eight = "8"
        }

        let choice = Parameter<NetworkChoice>.choice(
            choiceName, default: .trained,
            "the network that the training set taught, the model, or both averaged (the model alone without a training set)")
        let model = Parameter.model(
            "model", kind: ModelKind.network.rawValue, "a network that is there before anything was picked")
        let copies = Parameter<Copies>.choice(
            "averaging", default: .one, "mirrored (4) and turned (8) copies of blocks over which a network is averaged")
        let voxelSizeTolerance = Parameter.real(
            "voxel_size_tolerance", default: 0.05, in: 0...10,
            "part by which the voxel size may differ from the network's, and nothing is scaled")
        let scaleLimit = Parameter.real(
            "scale_limit", default: 1.7, in: 1...4,
            "largest ratio of the two voxel sizes; within it, the tomogram is scaled for the network; 1 for never")
    }

    /// What a step asks of networks.
    enum Purpose: Sendable {
        /// The class of each voxel.
        case labels
        /// Maps whose peaks are particles.
        case particles
    }

    /// How blocks are cut, for networks that do not know where in a block they look: nil for the program's choice.
    struct Cutting: Sendable {
        var block: Int?
        var margin: Int?
        var taper = 8
    }

    /// One of the networks.
    struct Member {
        let network: any Network
        let description: NetworkDescription
        /// What it says, by class.
        let answers: [NetworkDescription.Answer]
        let scale: VoxelScale
        /// Whether it is the model of the recipe, which did not learn from these tomograms.
        let isModel: Bool
    }

    let members: [Member]
    let volume: any Volume
    /// The voxel size of the tomogram.
    let voxelSize: VoxelSize
    /// The classes that the networks know, in the order of the first one that knows each.
    let classes: [String]
    private let average: OrientationAverage
    private let scaling: DensityScaling
    private let item: StepItem

    /// Opens the networks and the tomogram of an item.
    ///
    /// - Throws: ``PipelineError`` where the voxel size of the tomogram is not known, or too far from that of a network; where there is no
    ///   network, or one cannot serve the purpose; ``CheckpointError`` or ``TrainingError`` where a network cannot be read.
    init(
        _ item: StepItem, _ inputs: InputValues<Inputs>, _ parameters: ParameterValues<Parameters>, models: OpenModels<String>,
        for purpose: Purpose
    ) throws {
        self.item = item
        voxelSize = try inputs.calibration.voxelSize(of: item.scope)
        volume = try inputs.voxels.open()
        scaling = try DensityScaling(inputs.histogram.histogram, of: item.scope.tomogram)
        average = try OrientationAverage(copies: Int(parameters.copies.rawValue) ?? 1)
        var opened: [(network: any Network, description: NetworkDescription, name: String, isModel: Bool)] = []
        if let trained = try inputs.network {
            let (network, description) = try trained.open(in: item.workspace())
            opened.append((network, description, "the trained network", false))
        }
        if try parameters.choice != .trained {
            guard let record = try parameters.model else {
                let step = purpose == .labels ? SegmentStep.name : PickStep.name
                throw PipelineError(
                    "the recipe names no network: set \(step).model to one of `cellar model list`, or \(step).network to trained")
            }
            let path = try models.model(record)
            let description = try NetworkDescription(NetworkCheckpoint.metadata(of: path), path: record.name)
            opened.append((try NetworkCheckpoint.read(path), description, record.name, true))
        }
        var (members, classes) = ([Member](), [String]())
        for (network, description, name, isModel) in opened {
            let answers = description.answers(network.architecture, purpose)
            guard !answers.isEmpty else {
                throw PipelineError(
                    "\(name) \(purpose == .labels ? "labels no voxels" : "finds no particles"): choose another network, or train one"
                )
            }
            let scale = try VoxelScale(
                voxelSize, of: volume.shape, learned: description.voxelSizeInAngstroms, tolerance: parameters.voxelSizeTolerance,
                most: parameters.scaleLimit, tomogram: item.scope.tomogram)
            members.append(Member(network: network, description: description, answers: answers, scale: scale, isModel: isModel))
            classes += answers.map(\.name).filter { !classes.contains($0) }
        }
        (self.members, self.classes) = (members, classes)
    }

    /// For each class the threshold that served best when its networks were trained, or one half.
    var thresholds: [Double] {
        classes.map { name in
            let known = members.flatMap(\.answers).filter { $0.name == name }
            return known.map(\.threshold).reduce(0, +) / Double(max(known.count, 1))
        }
    }

    /// The least score of particles of a class for each network that finds it: what the network says itself, or else the recipe.
    ///
    /// - Parameter recipe: the recipe's; 0 keeps all, whatever a network says.
    func leastScores(of name: String, recipe: Double) -> [Double] {
        members.flatMap(\.answers).filter { $0.name == name }.map { recipe == 0 ? 0 : $0.leastScore ?? recipe }
    }

    /// The diameter in Å of the particles of a class; nil where no network says it.
    func diameter(of name: String) -> Double? { members.flatMap(\.answers).first { $0.name == name }?.diameterInAngstroms }

    /// Applies the networks to the whole tomogram, and writes what they say slice by slice to files of the item's workspace. A run that was
    /// stopped continues from these files, with the same bits.
    ///
    /// - Parameters:
    ///   - cutting: the blocks of networks that do not know where in a block they look.
    ///   - pickerMargin: the voxels that are discarded at cut faces of the blocks of the others.
    /// - Complexity: a pass of each network over all blocks that are not in its file yet, times the copies; memory for one layer of blocks.
    func probabilities(_ cutting: Cutting, pickerMargin: Int?) throws -> ProbabilitySlices {
        var parts: [ProbabilitySlices.Part] = []
        for (number, member) in members.enumerated() {
            let window = try Self.window(
                of: member.network, member.description, cutting, pickerMargin, shape: member.scale.scaledShape,
                values: values(of: member))
            let file = try apply(member, window, number: number)
            let places = classes.map { name in member.answers.firstIndex { $0.name == name } }
            parts.append(ProbabilitySlices.Part(file: file, places: places))
        }
        return ProbabilitySlices(
            shape: volume.shape, classes: classes, parts: parts, spreadOfParts: average.copies > 1)
    }

    /// The results of a voxel: the probabilities of a network's classes, and their deviations where there are copies.
    private func values(of member: Member) -> Int { member.answers.count * (average.copies > 1 ? 2 : 1) }

    private static func window(
        of network: any Network, _ description: NetworkDescription, _ cutting: Cutting, _ pickerMargin: Int?, shape: VolumeShape,
        values: Int
    ) throws -> Window {
        let architecture = network.architecture
        if architecture.usesCoordinates {
            return try window(
                of: architecture, patch: description.patchSize, margin: pickerMargin, taper: 0, shape: shape,
                values: values)
        }
        let isDeep = architecture.receptiveRadius.depth > 0
        return try window(
            of: architecture, patch: description.patchSize, block: cutting.block ?? (isDeep ? 128 : 1024),
            margin: cutting.margin ?? (isDeep ? 16 : nil), taper: cutting.taper, shape: shape, values: values)
    }

    private func apply(_ member: Member, _ window: Window, number: Int) throws -> SliceFile {
        let (shape, network, answers) = (volume.shape, member.network, member.answers)
        let values = values(of: member)
        let file = try SliceFile(
            item.workspace().appending(path: "slices-\(number)"), sliceBytes: shape.voxelsPerSlice * values)
        guard file.count < shape.z else { return file }
        let grid = BlockGrid(shape: member.scale.scaledShape, window: window)
        var restoring = VoxelScale.Restoring(member.scale, values: values, first: file.count)
        // The last layer of blocks from which on all slices that are missing can be made.
        let first = (0..<grid.layers).last { grid.slices(finishedBy: $0).lowerBound <= restoring.firstNeeded } ?? 0
        let (begin, end) = (Double(number) / Double(members.count), Double(number + 1) / Double(members.count))
        let start = ContinuousClock.now
        let reader = try reader(member)
        let context = network.architecture.context
        var recent = RecentSlices(depth: 2 * context + 1, read: reader)
        let activation = network.architecture.activation
        try SlidingWindow(grid: grid, outputs: values, context: context).run(
            from: first,
            read: { box in
                try item.checkCancellation()
                return context > 0 ? try recent.values(of: box) : try reader(box)
            },
            network: { block in
                Self.merged(try average(block) { activation.probabilities(network.logits($0)) }, answers)
            },
            progress: { done, total in
                let part = (Double(first) + Double(done) / Double(total) * Double(grid.layers - first)) / Double(grid.layers)
                let left = (ContinuousClock.now - start) / .seconds(1) * Double(total - done) / max(Double(done), 1)
                item.report(begin + (end - begin) * part, "block \(done) of \(total), \(Self.text(left)) left")
            },
            emit: { z, slice in
                try restoring.append(z, slice) {
                    try file.append(ProbabilitySlices.encoded($0, values: values, means: answers.count))
                }
            })
        // Returns the memory before the next item begins.
        Tensor.releaseUnusedMemory()
        return file
    }

    /// Reads boxes of the grid that a network sees, normalised.
    func reader(_ member: Member) throws -> (Box) throws -> [Float] {
        guard !member.scale.isIdentity else { return { box in scaling.normalized(try volume.read(box).floats()) } }
        func scaled(_ box: Box) throws -> [Float] {
            try member.scale.scaled(box) { scaling.clipped(try volume.read($0).floats()) }
        }
        // Scaling averages noise away, or stretches it: mean and deviation are those of some scaled slices.
        let shape = member.scale.scaledShape
        var (sum, squares, count) = (0.0, 0.0, 0.0)
        for z in stride(from: 0, to: shape.z, by: max(shape.z / 8, 1)) {
            guard let slice = Box(z: z..<z + 1, y: 0..<shape.y, x: 0..<shape.x) else { continue }
            for value in try scaled(slice) {
                sum += Double(value)
                squares += Double(value) * Double(value)
                count += 1
            }
        }
        let mean = sum / max(count, 1)
        // Of an empty tomogram no slice has any: it stays empty, whatever the network makes of that.
        let variance = max(squares / max(count, 1) - mean * mean, 0)
        let deviation = max(variance.squareRoot(), 1e-6 * scaling.standardDeviation, 1e-30)
        let (middle, factor) = (Float(mean), Float(1 / deviation))
        return { box in try scaled(box).map { ($0 - middle) * factor } }
    }

    /// The probabilities of classes from those of a network's outputs and, where there are copies, their standard deviations behind them. The
    /// deviation of a sum of outputs is taken as the sum of theirs, which it is at most.
    private static func merged(
        _ average: (mean: Tensor, deviation: Tensor?), _ answers: [NetworkDescription.Answer]
    ) -> Tensor {
        let parts = [average.mean, average.deviation].compactMap(\.self)
        let (outputs, values) = (average.mean.shape.last ?? 1, parts.count * answers.count)
        return Tensor(shape: Array(average.mean.shape.dropLast()) + [values]) { target in
            for (number, part) in parts.enumerated() {
                part.withUnsafeBufferPointer { source in
                    for (index, answer) in answers.enumerated() {
                        let place = number * answers.count + index
                        for voxel in 0..<target.count / values {
                            var sum: Float = 0
                            for output in answer.outputs { sum += source[voxel * outputs + output] }
                            target[voxel * values + place] = sum
                        }
                    }
                }
            }
        }
    }

    private static func text(_ seconds: Double) -> String {
        seconds < 90
            ? "\(Int(seconds)) s" : seconds < 5400 ? "\(Int(seconds / 60)) min" : String(format: "%.1f h", seconds / 3600)
    }
}

/// The slices that blocks of a network with a context share: each part of a slice is read once, and kept for the next layers.
private struct RecentSlices {
    private struct Place: Hashable {
        let z: Int
        let y: Range<Int>
        let x: Range<Int>
    }

    /// The number of slices that a block sees.
    let depth: Int
    let read: (Box) throws -> [Float]
    private var kept: [Place: [Float]] = [:]

    init(depth: Int, read: @escaping (Box) throws -> [Float]) { (self.depth, self.read) = (depth, read) }

    /// The values of a box, `[z][y][x]`.
    ///
    /// - Complexity: memory for ``depth`` slices of the tomogram, where blocks come in ascending z.
    mutating func values(of box: Box) throws -> [Float] {
        for place in kept.keys where place.z <= box.z.upperBound - 1 - depth || place.z >= box.z.upperBound + depth {
            kept[place] = nil
        }
        var values: [Float] = []
        values.reserveCapacity(box.shape.count)
        for z in box.z {
            let place = Place(z: z, y: box.y, x: box.x)
            if kept[place] == nil, let slice = Box(z: z..<z + 1, y: box.y, x: box.x) { kept[place] = try read(slice) }
            values += kept[place] ?? []
        }
        return values
    }
}
