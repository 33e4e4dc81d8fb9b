import Basics

extension MiningError {
    static var noBoxes: MiningError { MiningError(.tooFew, "there are no boxes to average; give one or more") }

    static func averagedBox(_ index: Int, _ count: Int, side: Int) -> MiningError {
        MiningError(
            .invalidSize, "box \(index + 1) has \(count) voxels and not \(side) × \(side) × \(side); cut all boxes with this side"
        )
    }

    static func averagedDensity(_ index: Int) -> MiningError {
        MiningError(
            .invalidInput,
            "box \(index + 1) has a density that is NaN, infinite or beyond ±10¹⁵; replace it by the mean of the tomogram")
    }
}

extension SubvolumeAveragingParameters {
    func check(side: Int, voxelSize: Double, count: Int) throws(MiningError) {
        guard voxelSize.isFinite, voxelSize > 0 else { throw .parameter("the voxel size", voxelSize, mustBe: "above 0 Å") }
        guard SubvolumeAverager.sides.contains(side) else {
            throw .parameter("the side of the boxes", side, mustBe: "16 to 128 voxels")
        }
        let most = Double(side) / 2 * voxelSize
        guard radiusInAngstroms >= 4 * voxelSize, radiusInAngstroms <= most else {
            throw .parameter("the radius of the particles", radiusInAngstroms, mustBe: "\(4 * voxelSize) … \(most) Å")
        }
        guard shiftInVoxels >= 0, shiftInVoxels <= Double(side) / 4 else {
            throw .parameter("the greatest shift", shiftInVoxels, mustBe: "0 … \(side / 4) voxels")
        }
        if let initial = initialResolutionInAngstroms {
            guard initial >= 2 * voxelSize, initial <= most else {
                throw .parameter("the first resolution", initial, mustBe: "\(2 * voxelSize) … \(most) Å")
            }
        }
        guard (1...20).contains(globalRounds) else {
            throw .parameter("the number of global rounds", globalRounds, mustBe: "1 … 20")
        }
        guard (0...20).contains(localRounds) else {
            throw .parameter("the number of local rounds", localRounds, mustBe: "0 … 20")
        }
        guard (8...40).contains(spacingInDegrees) else {
            throw .parameter("the angle between rotations", spacingInDegrees, mustBe: "8 … 40°")
        }
        guard (1...100).contains(restarts) else { throw .parameter("the number of restarts", restarts, mustBe: "1 … 100") }
        guard count > 0 else { throw .noBoxes }
        guard count <= 1_000_000 else { throw MiningError(.tooMany, "\(count) boxes are more than 1000000; average fewer") }
    }
}
