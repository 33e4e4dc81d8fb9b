import Testing

@testable import Training

@Suite struct TrainingErrorTests {
    @Test func `an error reads as its sentence`() {
        #expect("\(TrainingError("no voxels to learn from"))" == "no voxels to learn from")
    }
}
