import Engine
import Foundation
import Tensors
import Training
import Volumes

extension NetworkApplication {
    /// Applies the networks to the slices, and writes what they say slice by slice to files of the item's workspace. A run that was
    /// stopped continues from these files, with the same bits.
    ///
    /// - Parameters:
    ///   - cutting: the blocks of networks that do not know where in a block they look.
    ///   - pickerMargin: the voxels that are discarded at cut faces of the blocks of the others.
    /// - Complexity: for each member a pass over all blocks that are not in its file yet, times the copies, and times the third power of
    ///   its magnification; memory for one layer of blocks.
    func probabilities(_ cutting: Cutting, pickerMargin: Int?) throws -> ProbabilitySlices {
        try probabilities(with: [], cutting, pickerMargin: pickerMargin)[0]
    }

    /// As ``probabilities(_:pickerMargin:)``, and what the same networks say for other purposes, of the same passes.
    ///
    /// Blocks are those of the whole tomogram, also where some slices are wanted: these get the bits that they have where all are.
    /// So a network reads beyond the slices as far as its blocks and its context go.
    ///
    /// - Parameter others: applications of the same networks to the same slices.
    /// - Returns: the probabilities of these classes, then those of the others.
    func probabilities(
        with others: [NetworkApplication], _ cutting: Cutting, pickerMargin: Int?
    ) throws -> [ProbabilitySlices] {
        let applications = [self] + others
        let shape = VolumeShape(z: slices.count, y: volume.shape.y, x: volume.shape.x) ?? volume.shape
        var parts = applications.map { _ in [ProbabilitySlices.Part]() }
        for (number, member) in members.enumerated() {
            let answers = applications.map { $0.members[number].answers }
            let all = answers.flatMap(\.self)
            let window = try Self.window(
                of: member.network, member.description, cutting, pickerMargin, shape: member.scale.scaledShape,
                values: values(of: all))
            let file = try apply(member, all, window, number: number)
            var first = 0
            for (index, application) in applications.enumerated() {
                let places = application.classes.map { name in
                    answers[index].firstIndex { $0.name == name }.map { first + $0 }
                }
                parts[index].append(
                    ProbabilitySlices.Part(network: member.number, file: file, places: places, means: all.count))
                first += answers[index].count
            }
        }
        return zip(applications, parts).map { application, parts in
            ProbabilitySlices(shape: shape, classes: application.classes, parts: parts, spreadOfParts: average.copies > 1)
        }
    }

    /// The results of a voxel: the probabilities of a network's classes, and their deviations where there are copies.
    private func values(of answers: [NetworkDescription.Answer]) -> Int { answers.count * (average.copies > 1 ? 2 : 1) }

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

    private func apply(
        _ member: Member, _ answers: [NetworkDescription.Answer], _ window: Window, number: Int
    ) throws -> SliceFile {
        let (network, values) = (member.network, values(of: answers))
        let file = try SliceFile(
            item.workspace().appending(path: "\(files)-\(number)"), sliceBytes: volume.shape.voxelsPerSlice * values)
        guard file.count < slices.count else { return file }
        let grid = BlockGrid(shape: member.scale.scaledShape, window: window)
        let known = Double(file.count) / Double(slices.count)
        var restoring = VoxelScale.Restoring(
            member.scale, values: values, first: slices.lowerBound + file.count, end: slices.upperBound)
        // The last layer of blocks from which on all slices that are missing can be made, and the first one with which all are.
        let (firstNeeded, lastNeeded) = (restoring.firstNeeded, restoring.lastNeeded)
        let first = (0..<grid.layers).last { grid.slices(finishedBy: $0).lowerBound <= firstNeeded } ?? 0
        let last = (first..<grid.layers).first { grid.slices(finishedBy: $0).upperBound > lastNeeded }
        let (begin, end) = (Double(number) / Double(members.count), Double(number + 1) / Double(members.count))
        let start = ContinuousClock.now
        let reader = try tomogram.reader(member.scale)
        let context = network.architecture.context
        var recent = RecentSlices(depth: 2 * context + 1, read: reader)
        let activation = network.architecture.activation
        try SlidingWindow(grid: grid, outputs: values, context: context).run(
            from: first, through: last,
            read: { box in
                try item.checkCancellation()
                return context > 0 ? try recent.values(of: box) : try reader(box)
            },
            network: { block in
                Self.merged(try average(block) { activation.probabilities(network.logits($0)) }, answers)
            },
            progress: { done, total in
                let part = known + (1 - known) * Double(done) / Double(total)
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

    /// The probabilities of classes from those of a network's outputs and, where there are copies, their standard deviations behind
    /// them. The deviation of a sum of outputs is taken as the sum of theirs, which it is at most.
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

extension NetworkApplication.Tomogram {
    /// Reads boxes of the grid that a network sees, normalised.
    ///
    /// - Complexity: of a grid that is scaled, reads some slices first.
    func reader(_ scale: VoxelScale) throws -> (Box) throws -> [Float] {
        let (volume, scaling) = (volume, scaling)
        guard !scale.isIdentity else { return { box in scaling.normalized(try volume.read(box).floats()) } }
        func scaled(_ box: Box) throws -> [Float] {
            try scale.scaled(box) { scaling.clipped(try volume.read($0).floats()) }
        }
        // Scaling averages noise away, or stretches it: mean and deviation are those of some scaled slices.
        let shape = scale.scaledShape
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
