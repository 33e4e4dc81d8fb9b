public import Tensors

/// A network for semantic segmentation: logits of classes for each voxel of a tomogram.
public protocol Network: AnyObject {
    /// Everything but the weights that is needed to create the network again.
    var architecture: NetworkArchitecture { get }

    /// The tensors that are learned, in a fixed order.
    var parameters: [NetworkParameter] { get }

    /// The tensors that training updates without gradients, in a fixed order: the running moments of batch normalisation.
    var buffers: [NetworkParameter] { get }

    /// The forward pass: densities `[N, D + 2 · context, H, W, 1]` → logits `[N, D, H, W, outputs]`, where context is
    /// ``NetworkArchitecture/context``.
    ///
    /// - Precondition: D, H and W are multiples of ``NetworkArchitecture/alignment``.
    func callAsFunction(_ x: Variable, on tape: Tape) -> Variable

    /// What the network sees on the way down, in inference: its map of the last level but one (of a network of one level, of that one).
    /// Coarser than densities, and nearer to them than the coarsest map, it tells shapes apart.
    ///
    /// - Parameter x: densities `[N, D + 2 · context, H, W, 1]`, with lengths as for the forward pass.
    /// - Returns: `[N, d, h, w, channels]`, of which the lengths are those of D, H and W divided by the pooling of the level.
    func features(_ x: Tensor) -> Tensor
}

extension Network {
    /// Parameters, then buffers: the tensors of a checkpoint.
    public var state: [NetworkParameter] { parameters + buffers }

    /// The forward pass in inference, without gradients: densities `[N, D + 2 · context, H, W, 1]` → logits `[N, D, H, W, outputs]`.
    public func logits(_ x: Tensor) -> Tensor { self(Variable(x), on: Tape(recording: false)).value }

    /// Sets the gradient of each parameter to nil.
    public func clearGradients() { for parameter in parameters { parameter.gradient = nil } }
}

/// The kind of a network and its settings: everything but the weights. Checkpoints store it as JSON.
public enum NetworkArchitecture: Hashable, Sendable, Codable {
    case unet(UNetArchitecture)
    case picker(PickerArchitecture)

    /// Creates the network with random initial weights, which the seed determines.
    public func network(seed: UInt64) -> any Network {
        switch self {
        case .unet(let architecture): UNet(architecture, seed: seed)
        case .picker(let architecture): PickerNetwork(architecture, seed: seed)
        }
    }

    /// The factor by which the network pools along z, y and x: lengths of its input must be multiples of it.
    public var alignment: Extent3D {
        switch self {
        case .unet(let architecture): architecture.alignment
        case .picker: Extent3D(8)
        }
    }

    /// The number of slices before and after those of the result that the input has, so that a network in two dimensions sees the
    /// neighbours of a slice.
    public var context: Int {
        switch self {
        case .unet(let architecture): architecture.context
        case .picker: 0
        }
    }

    /// The radius of the receptive field, beside the context, in voxels: voxels farther away along an axis do not change a voxel's logits.
    public var receptiveRadius: Extent3D {
        switch self {
        case .unet(let architecture): architecture.receptiveRadius
        case .picker: Extent3D(72)
        }
    }

    /// Whether the coordinates of a voxel in its block are an input (CoordConv). Blocks must then have the size of the training
    /// patches: in blocks of another size, the same coordinate is another place.
    public var usesCoordinates: Bool {
        switch self {
        case .unet: false
        case .picker: true
        }
    }

    /// How the network's logits become probabilities.
    public var activation: SegmentationLoss.OutputActivation {
        switch self {
        case .unet: .softmax
        case .picker: .sigmoid
        }
    }

    /// The number of logits of each voxel.
    public var outputs: Int {
        switch self {
        case .unet(let architecture): architecture.classes
        case .picker(let architecture): architecture.classes
        }
    }

    /// About how many bytes of memory inference needs for each voxel of a block: the tensors of the finest level that exist at
    /// the same time.
    public var bytesPerVoxel: Int {
        switch self {
        // The skip connection, the upsampled map, their concatenation (twice as wide), and a result.
        case .unet(let architecture): 6 * architecture.width * 4
        case .picker(let architecture): 6 * (architecture.width + 4) * 4
        }
    }
}
