import Basics
import TestSupport
import Testing
import Volumes

/// What another library found in a real file.
struct SurveyExpectation: Sendable, CustomTestStringConvertible {
    let path: String
    let shape: VolumeShape?
    let scalarType: ScalarType
    let digest: String
    /// Minimum, maximum, mean, standard deviation.
    let statistics: [Double]
    /// The percentiles 1, 50 and 99.
    let percentiles: [Double]

    init(
        _ path: String, z: Int, y: Int, x: Int, _ scalarType: ScalarType, digest: String, statistics: [Double],
        percentiles: [Double]
    ) {
        self.path = path
        shape = VolumeShape(z: z, y: y, x: x)
        self.scalarType = scalarType
        self.digest = digest
        self.statistics = statistics
        self.percentiles = percentiles
    }

    var testDescription: String { path.split(separator: "/").last.map(String.init) ?? path }

    func check() throws {
        let volume = try VolumeLocation(path: SharedData.file(path)).open()
        #expect(volume.shape == shape)
        #expect(volume.scalarType == scalarType)
        // The smaller buffer makes even these small volumes several boxes.
        for bufferBytes in [16 << 20, 4096] {
            let survey = try VolumeSurvey.run(volume, bufferBytes: bufferBytes)
            #expect(survey.digest.hexadecimal == digest)
            #expect(survey.nonFiniteCount == 0)
            let found = try #require(survey.statistics)
            #expect(found.minimum == statistics[0])
            #expect(found.maximum == statistics[1])
            // Float64 sums in another order: 1e-12 of the spread, or of the value.
            let tolerance = 1e-12 * max(abs(statistics[0]), abs(statistics[1]))
            #expect(abs(found.mean - statistics[2]) <= tolerance)
            #expect(abs(found.standardDeviation - statistics[3]) <= tolerance)
            for (percentage, expected) in zip([1.0, 50, 99], percentiles) {
                let value = try #require(survey.percentile(percentage))
                // Two to the minus eleven of the value is the width of a bin; bytes and float16 are exact.
                #expect(abs(value - expected) <= (scalarType == .float32 ? abs(expected) / 2048 : 1e-12 * abs(expected)))
            }
        }
    }
}
