public import Tensors

/// A U-Net: at each level two convolutions with normalisation and ReLU. The encoder pools by maxima; the decoder enlarges each
/// map twofold and concatenates it with the encoder's map of the same level (skip connection); a 1 × 1 convolution makes the
/// logits.
public final class UNet: Network {
    private let unet: UNetArchitecture
    private var encoder: [[NormalizedConvolution]] = []
    private var decoder: [[NormalizedConvolution]] = []
    private var upsamplers: [TransposedLayer] = []
    private let head: LogitLayer

    public var architecture: NetworkArchitecture { .unet(unet) }

    /// Creates the network with random initial weights, which the seed determines.
    public init(_ architecture: UNetArchitecture, seed: UInt64) {
        unet = architecture
        var numbers = WeightInitialization(seed: seed)
        let isDeep = architecture.dimensions == 3
        let kernel = Extent3D(isDeep ? 3 : 1, 3, 3)
        let padding = Extent3D(isDeep ? 1 : 0, 1, 1)
        func block(_ name: String, _ inputs: Int, _ outputs: Int, first: Extent3D) -> [NormalizedConvolution] {
            [(inputs, first), (outputs, kernel)].enumerated().map { number, layer in
                NormalizedConvolution(
                    "\(name).\(number)", Convolution3D(inputs: layer.0, outputs: outputs, kernel: layer.1, padding: padding),
                    architecture.normalization, &numbers)
            }
        }
        for level in 0..<architecture.levels {
            let channels = architecture.channels(level)
            // The neighbouring slices enter the first convolution, and none after it.
            let first = level == 0 && !isDeep ? Extent3D(2 * architecture.context + 1, 3, 3) : kernel
            encoder.append(
                block("encoder.\(level)", level == 0 ? 1 : architecture.channels(level - 1), channels, first: first))
            guard level > 0 else { continue }
            let finer = architecture.channels(level - 1)
            let window = architecture.upsampling == .transposed ? architecture.window : Extent3D(1)
            upsamplers.append(
                TransposedLayer(
                    "up.\(level - 1)", Convolution3D(inputs: finer, outputs: channels, kernel: window, stride: window),
                    overlap: 1, &numbers))
            decoder.append(block("decoder.\(level - 1)", 2 * finer, finer, first: kernel))
        }
        head = LogitLayer("head", inputs: architecture.width, outputs: architecture.classes, &numbers)
    }

    public var parameters: [NetworkParameter] {
        (encoder + decoder).joined().flatMap(\.parameters) + upsamplers.flatMap(\.parameters) + head.parameters
    }

    public var buffers: [NetworkParameter] { (encoder + decoder).joined().flatMap(\.buffers) }

    /// Takes the weights of a network that differs in its classes alone.
    ///
    /// - Parameter outputs: for each output the one of the other network whose weights it takes; nil for one that stays as it is. Outputs that
    ///   the other does not have stay, too.
    /// - Precondition: but for the classes, both have one architecture.
    public func begin(with other: any Network, outputs: [Int?]) {
        let weights = Dictionary(other.state.map { ($0.name, $0.value) }) { first, _ in first }
        for parameter in state {
            guard let value = weights[parameter.name] else { continue }
            if !head.parameters.contains(where: { $0 === parameter }) {
                precondition(value.shape == parameter.value.shape, "networks of different architectures")
                parameter.value = value
            } else {
                let row = value.shape.dropFirst().reduce(1, *)
                precondition(value.shape.dropFirst() == parameter.value.shape.dropFirst(), "networks of different architectures")
                for (output, source) in outputs.enumerated() {
                    guard let source, (0..<value.shape[0]).contains(source), output < parameter.value.shape[0] else { continue }
                    value.withUnsafeBufferPointer { from in
                        parameter.value.withUnsafeMutableBufferPointer { to in
                            for index in 0..<row { to[output * row + index] = from[source * row + index] }
                        }
                    }
                }
            }
        }
    }

    public func features(_ x: Tensor) -> Tensor {
        let tape = Tape(recording: false)
        return encoder.indices.dropLast(encoder.count > 1 ? 1 : 0).reduce(Variable(x)) { encoded($0, level: $1, on: tape) }.value
    }

    /// The encoder's map of a level from that of the finer one.
    private func encoded(_ x: Variable, level: Int, on tape: Tape) -> Variable {
        var x = level > 0 ? tape.pooling(x, Pooling3D(.largest, window: unet.window)) : x
        for layer in encoder[level] { x = layer(x, on: tape) }
        return x
    }

    public func callAsFunction(_ x: Variable, on tape: Tape) -> Variable {
        var x = x
        var skipped: [Variable] = []
        for level in encoder.indices {
            if level > 0 { skipped.append(x) }
            x = encoded(x, level: level, on: tape)
        }
        for level in decoder.indices.reversed() {
            // Removed, so that its memory is freed after use.
            let skip = skipped.removeLast()
            x = upsampled(x, level: level, extent: skip.value.extent, on: tape)
            x = tape.concatenation([skip, x])
            for layer in decoder[level] { x = layer(x, on: tape) }
        }
        return head(x, on: tape)
    }

    private func upsampled(_ x: Variable, level: Int, extent: Extent3D, on tape: Tape) -> Variable {
        switch unet.upsampling {
        case .transposed: return upsamplers[level](x, to: extent, on: tape)
        // A 1 × 1 convolution and an interpolation commute; this order is cheaper.
        case .linear: return tape.resized(upsamplers[level](x, to: x.value.extent, on: tape), to: extent)
        }
    }
}

/// The settings of a U-Net (Ronneberger, Fischer and Brox, MICCAI 2015; in three dimensions Çiçek et al., MICCAI 2016).
public struct UNetArchitecture: Hashable, Sendable, Codable {
    /// How the decoder enlarges maps twofold.
    public enum Upsampling: String, Hashable, Sendable, Codable, CaseIterable {
        /// A transposed convolution whose kernel and stride are the pooling window.
        case transposed
        /// A 1 × 1 convolution, then linear interpolation.
        case linear
    }

    /// 2 (slices) or 3 (volumes).
    public let dimensions: Int
    /// The number of classes, background included: one logit each.
    public let classes: Int
    /// Channels of the finest level; each coarser level has twice as many.
    public let width: Int
    /// The number of resolution levels, the finest included.
    public let levels: Int
    public let normalization: NormalizationKind
    public let upsampling: Upsampling
    /// In two dimensions, the number of slices before and after a slice that the network sees beside it ("2.5-D"): 0 to 3.
    public let context: Int

    /// - Throws: ``TrainingError`` if a number is out of range: 2 or 3 dimensions, 1 to 64 classes, a width of 1 to 256, 1 to 7
    ///   levels, a context of 0 to 3, of 0 in three dimensions, and for group normalisation a number of groups that divides the width.
    public init(
        dimensions: Int, classes: Int, width: Int, levels: Int, normalization: NormalizationKind = .batch,
        upsampling: Upsampling = .transposed, context: Int = 0
    ) throws(TrainingError) {
        (self.dimensions, self.classes, self.width, self.levels) = (dimensions, classes, width, levels)
        (self.normalization, self.upsampling, self.context) = (normalization, upsampling, context)
        try check()
    }

    private enum CodingKeys: String, CodingKey {
        case dimensions, classes, width, levels, normalization, upsampling, context
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        dimensions = try values.decode(Int.self, forKey: .dimensions)
        classes = try values.decode(Int.self, forKey: .classes)
        width = try values.decode(Int.self, forKey: .width)
        levels = try values.decode(Int.self, forKey: .levels)
        normalization = try values.decode(NormalizationKind.self, forKey: .normalization)
        upsampling = try values.decode(Upsampling.self, forKey: .upsampling)
        // Files of networks without a context do not name it.
        context = try values.decodeIfPresent(Int.self, forKey: .context) ?? 0
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(dimensions, forKey: .dimensions)
        try values.encode(classes, forKey: .classes)
        try values.encode(width, forKey: .width)
        try values.encode(levels, forKey: .levels)
        try values.encode(normalization, forKey: .normalization)
        try values.encode(upsampling, forKey: .upsampling)
        if context > 0 { try values.encode(context, forKey: .context) }
    }

    /// The same with another number of classes.
    ///
    /// - Throws: ``TrainingError`` unless there are 1 to 64.
    public func with(classes: Int) throws(TrainingError) -> UNetArchitecture {
        try UNetArchitecture(
            dimensions: dimensions, classes: classes, width: width, levels: levels, normalization: normalization,
            upsampling: upsampling, context: context)
    }

    /// Checks the numbers, which a file may hold in any range.
    ///
    /// - Throws: ``TrainingError`` if a number is out of range.
    func check() throws(TrainingError) {
        guard dimensions == 2 || dimensions == 3 else {
            throw TrainingError("a U-Net cannot have \(dimensions) dimensions; give 2 or 3")
        }
        guard 1...64 ~= classes else { throw TrainingError("a U-Net cannot have \(classes) classes; give 1 to 64") }
        guard 1...256 ~= width, 1...7 ~= levels else {
            throw TrainingError(
                "a U-Net cannot have a width of \(width) and \(levels) levels; give a width of 1 to 256, and 1 to 7 levels")
        }
        guard 0...3 ~= context, dimensions == 2 || context == 0 else {
            throw TrainingError(
                "a U-Net in \(dimensions) dimensions cannot see \(context) slices on each side; give 0, or 0 to 3 in two dimensions"
            )
        }
        if case .group(let groups) = normalization, groups < 1 || width % groups != 0 {
            throw TrainingError("\(groups) groups do not divide a width of \(width); give a number that does")
        }
    }

    /// The channels of a level; level 0 is the finest.
    func channels(_ level: Int) -> Int { width << level }

    /// The pooling window: 2 along each axis, but 1 along z in two dimensions.
    var window: Extent3D { dimensions == 3 ? Extent3D(2) : Extent3D(1, 2, 2) }

    /// The factor by which the network pools along z, y and x: 2^(levels − 1), but 1 along z in two dimensions.
    var alignment: Extent3D {
        let factor = 1 << (levels - 1)
        return Extent3D(dimensions == 3 ? factor : 1, factor, factor)
    }

    /// The radius of the receptive field, in voxels: 1 voxel of the level for each convolution, of which a level has four and the
    /// coarsest two; and the pooling window, since a pooled voxel depends on all voxels of its window.
    var receptiveRadius: Extent3D {
        var radius = 0
        for level in 0..<levels {
            let reach = level == levels - 1 ? 2 : 4
            radius += reach << level
            // Pooling adds one voxel of the finer level; linear interpolation reads a neighbour on this level.
            if level > 0 { radius += (1 << (level - 1)) + (upsampling == .linear ? 1 << level : 0) }
        }
        return Extent3D(dimensions == 3 ? radius : 0, radius, radius)
    }
}
