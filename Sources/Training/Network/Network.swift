public import Tensors

/// A network that tells, voxel by voxel, what a tomogram shows.
public protocol Network: AnyObject {
    /// What it takes to make it again.
    var architecture: NetworkArchitecture { get }

    /// What is learned, in a fixed order.
    var parameters: [NetworkParameter] { get }

    /// What is kept beside: running moments.
    var buffers: [NetworkParameter] { get }

    /// `[N, D, H, W, 1]` → logits, `[N, D, H, W, outputs]`. Lengths are multiples of ``NetworkArchitecture/alignment``.
    func callAsFunction(_ x: Variable, on tape: Tape) -> Variable
}

extension Network {
    /// Parameters and buffers: what a checkpoint holds.
    public var state: [NetworkParameter] { parameters + buffers }

    /// Logits, in inference.
    public func logits(_ x: Tensor) -> Tensor { self(Variable(x), on: Tape(recording: false)).value }

    public func clearGradients() { for parameter in parameters { parameter.gradient = nil } }
}

/// What it takes to make a network, but for its weights: checkpoints carry it.
public enum NetworkArchitecture: Hashable, Sendable, Codable {
    case unet(UNetArchitecture)
    case picker(PickerArchitecture)

    /// A network with first weights of a seed.
    public func network(seed: UInt64) -> any Network {
        switch self {
        case .unet(let architecture): UNet(architecture, seed: seed)
        case .picker(let architecture): PickerNetwork(architecture, seed: seed)
        }
    }

    /// What lengths of a patch are multiples of.
    public var alignment: Extent3D {
        switch self {
        case .unet(let architecture): architecture.alignment
        case .picker: Extent3D(8)
        }
    }

    /// How far from a voxel others can change what is said of it.
    public var receptiveRadius: Extent3D {
        switch self {
        case .unet(let architecture): architecture.receptiveRadius
        case .picker: Extent3D(72)
        }
    }

    /// Whether the network is told where in its block a voxel is (CoordConv). Blocks must then be as long along each axis as the
    /// patches that it learned from: in others, the same coordinate is another place.
    public var usesCoordinates: Bool {
        switch self {
        case .unet: false
        case .picker: true
        }
    }

    /// How many logits each voxel has.
    public var outputs: Int {
        switch self {
        case .unet(let architecture): architecture.classes
        case .picker(let architecture): architecture.classes
        }
    }

    /// About how much memory a voxel of a block takes in inference: the arrays of the finest level that are there at a time.
    public var bytesPerVoxel: Int {
        switch self {
        // What was skipped, what came up, both side by side, and a result.
        case .unet(let architecture): 6 * architecture.width * 4
        case .picker(let architecture): 6 * (architecture.width + 4) * 4
        }
    }
}
