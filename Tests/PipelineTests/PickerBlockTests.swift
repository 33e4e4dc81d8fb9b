import Testing
import Training
import Volumes

@testable import Pipeline

@Suite("Blocks of networks that are told where they look") struct PickerBlockTests {
    private func grid(_ z: Int, _ y: Int, _ x: Int, patch: Int, classes: Int = 1) throws -> BlockGrid {
        let shape = try #require(VolumeShape(z: z, y: y, x: x))
        return try BlockGrid(
            shape: shape,
            window: NetworkApplication.window(
                of: .picker(PickerArchitecture(classes: classes)), patch: patch, margin: 12, taper: 0, shape: shape,
                values: classes))
    }

    @Test(
        "blocks are as long along each axis as patches, in tomograms that are larger, deeper, flat or small",
        arguments: [(100, 300, 200), (300, 1000, 1000), (200, 4000, 4000), (40, 500, 60), (3, 5, 9)], [40, 72, 128])
    func patches(shape: (Int, Int, Int), patch: Int) throws {
        let grid = try grid(shape.0, shape.1, shape.2, patch: patch)
        #expect(grid.inputShape == [1, patch, patch, patch, 1])
        // Memory is what it was, but for a patch that took more in training.
        #expect(grid.memory(outputs: 1) + patch * patch * patch * 700 < 1_900_000_000)
        #expect((0..<grid.layers).flatMap { Array(grid.slices(finishedBy: $0)) } == Array(0..<shape.0))
    }

    @Test("what memory does not allow is refused with a sentence, and so are blocks that no patch was")
    func refused() throws {
        #expect(throws: TrainingError.self) { try grid(300, 30_000, 30_000, patch: 72) }
        #expect(throws: PipelineError.self) { try grid(100, 100, 100, patch: 70) }
    }

    @Test("U-Nets, which do not know where they look, have the blocks that fit")
    func others() throws {
        let shape = try #require(VolumeShape(z: 20, y: 300, x: 100))
        let architecture = NetworkArchitecture.unet(try UNetArchitecture(dimensions: 3, classes: 2, width: 8, levels: 3))
        let window = try NetworkApplication.window(
            of: architecture, patch: 64, block: 128, margin: 16, taper: 8, shape: shape, values: 1)
        #expect(BlockGrid(shape: shape, window: window).inputShape == [1, 20, 128, 100, 1])
    }
}
