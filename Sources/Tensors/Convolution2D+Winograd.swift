internal import CKernels

extension Convolution2D {
    /// 3 × 3 with stride 1 over an image of the same size, and channels that fill vectors.
    var suitsWinograd: Bool {
        kernelHeight == 3 && kernelWidth == 3 && stride == 1 && padding == Padding2D(1) && inputs % 16 == 0
            && outputs % PackedMatrix.panelWidth == 0
    }

    /// The convolution by Winograd's F(4×4, 3×3): a quarter of the products.
    ///
    /// Some channels of a group of tiles are transformed into memory that stays in a last-level cache. Then each panel of
    /// outputs transforms its weights as it goes, which costs less than keeping them, four times as large, in memory.
    /// Further channels are added to what the first ones gave.
    ///
    /// - Parameter factors: what pixels are multiplied by and moved by, and cut off at 0, before.
    func applyWinograd(
        to x: Tensor, factors: ChannelFactors?, adding add: UnsafePointer<Float>?, into result: UnsafeMutablePointer<Float>
    ) {
        let (images, height, width, _) = x.imageShape
        let (down, across) = ((height + 3) / 4, (width + 3) / 4)
        let tiles = images * down * across
        let groups = (tiles + Winograd.mostTiles - 1) / Winograd.mostTiles
        let performGroup = { (group: Int) in
            let first = tiles * group / groups
            let count = tiles * (group + 1) / groups - first
            let channels = Winograd.channels(of: inputs, tiles: count)
            let plane = count * Winograd.block + 16
            let blocks = (channels + Winograd.block - 1) / Winograd.block
            TensorStorage.withScratch(36 * blocks * plane) { transformed in
                for channel in Swift.stride(from: 0, to: inputs, by: channels) {
                    let some = min(channels, inputs - channel)
                    Threads.perform(count) { tile in
                        let (image, place) = (first + tile).quotientAndRemainder(dividingBy: down * across)
                        ck_winograd_input(
                            x.storage.base + image * height * width * inputs + channel, height, width, inputs, some,
                            place / across * 4 - 1, place % across * 4 - 1, factors.map { $0.scale(of: image) + channel },
                            factors.map { $0.shift(of: image) + channel }, transformed + tile * Winograd.block, plane,
                            Winograd.block)
                    }
                    Threads.perform(outputs / PackedMatrix.panelWidth) { panel in
                        let column = panel * PackedMatrix.panelWidth
                        let sum = channel == 0 ? add : UnsafePointer(result)
                        TensorStorage.withScratch(ck_winograd_scratch(count, Winograd.block)) { scratch in
                            var work = ck_winograd(
                                tiles: ck_tiles(height: height, width: width, top: 0, left: 0, down: down, across: across),
                                first_tile: first, count: count, transformed: transformed, plane: plane,
                                block: Winograd.block, depth: 1, depth_step: 0, inputs: inputs, first_input: channel,
                                some: some, outputs: outputs, columns: PackedMatrix.panelWidth, panel: weight.panel(panel),
                                bias: channel == 0 ? bias.map { UnsafePointer($0.storage.base + column) } : nil,
                                add: sum.map { $0 + column }, result: result + column, scratch: scratch)
                            ck_winograd_products(&work)
                        }
                    }
                }
            }
        }
        // The panels of few outputs would leave threads idle: then groups are computed at the same time, each by one.
        if outputs / PackedMatrix.panelWidth <= Winograd.fewPanels {
            Threads.perform(groups, performGroup)
        } else {
            for group in 0..<groups { performGroup(group) }
        }
    }
}

/// How Winograd's convolution is cut, by measurement on a processor with 1 MB of second-level cache (Benchmarks/NOTES.md).
private enum Winograd {
    /// Tiles of a group: enough of them to make up for transforming the weights, few enough that a panel's products
    /// stay in the second-level cache.
    static let mostTiles = 128
    /// Inputs whose transformed weights a thread holds at a time.
    static let block = 64
    /// Panels of outputs up to which groups are computed at the same time. Each has its transformed inputs in memory.
    static let fewPanels = 4
    /// Transformed inputs, of each of the 36 positions, that stay in the last-level cache: 6 MB together.
    static let mostTransformed = 40_960

    /// How many inputs of so many tiles are transformed at a time: whole blocks, about as many in each round.
    static func channels(of inputs: Int, tiles: Int) -> Int {
        let most = max(mostTransformed / tiles / block, 1) * block
        let rounds = (inputs + most - 1) / most
        return ((inputs + rounds - 1) / rounds + block - 1) / block * block
    }
}
