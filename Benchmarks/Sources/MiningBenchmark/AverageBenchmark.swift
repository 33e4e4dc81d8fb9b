import Foundation
import Mining

/// Measures how boxes around particles are aligned and averaged, for `averages.py`.
enum AverageBenchmark {
    /// Averages the boxes of a file, and prints the seconds and the resolution in Å, 0 for none.
    ///
    /// - Parameters:
    ///   - boxes: a file of float32, `[box][z][y][x]`.
    ///   - output: receives float32: the average, then for each box its quaternion (x, y, z, w), shift (x, y, z in voxels) and score.
    static func average(boxes: String, side: Int, voxelSize: Double, radius: Double, tilt: Double, output: String) throws {
        let values = try Data(contentsOf: URL(fileURLWithPath: boxes)).withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
        let volume = side * side * side
        let all = (0..<values.count / volume).map { Array(values[$0 * volume..<($0 + 1) * volume]) }
        let averager = try SubvolumeAverager(
            side: side, voxelSizeInAngstroms: voxelSize, parameters: SubvolumeAveragingParameters(radiusInAngstroms: radius))
        let clock = ContinuousClock()
        let start = clock.now
        let result = try averager.average(all, wedge: tilt < 90 ? MissingWedge(tiltsInDegrees: -tilt...tilt) : .none)
        print((clock.now - start) / .seconds(1), result.resolutionInAngstroms ?? 0)
        let poses = result.poses.flatMap { pose in
            let (turn, shift) = (pose.rotation, pose.shift)
            return [turn.x, turn.y, turn.z, turn.w, shift.x, shift.y, shift.z, pose.score].map(Float.init)
        }
        try (result.volume + poses).withUnsafeBytes { Data($0) }.write(to: URL(fileURLWithPath: output))
    }
}
