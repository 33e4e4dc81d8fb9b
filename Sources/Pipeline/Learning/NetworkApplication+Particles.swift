import CatalogSchema
import Engine
import Training
import Volumes

extension NetworkApplication {
    /// The particles of each class in the slices, as balls of its diameter: peaks of probabilities whose score is high enough.
    ///
    /// Peaks are searched in these slices alone. A particle whose ball lies in them has the same peak as in the whole tomogram,
    /// unless one beyond them is near.
    ///
    /// - Parameters:
    ///   - probabilities: of this application's classes.
    ///   - score: the least score of a particle, unless a network says its own; 0 keeps all.
    ///   - sample: particles whose centres lie outside of it are dropped; nil keeps all.
    /// - Complexity: reads the probabilities of all voxels once.
    func particles(in probabilities: ProbabilitySlices, score: Double, sample: SampleCut? = nil) throws -> [FoundObject] {
        var particles: [FoundObject] = []
        for (number, name) in classes.enumerated() {
            guard let diameter = diameter(of: name) else { continue }
            let peaks = try peaks(
                probabilities, of: number, diameterInVoxels: diameter / voxelSize.meanInAngstroms,
                leastScores: leastScores(of: name, recipe: score))
            for peak in peaks {
                let place = peak.center + SIMD3(0, 0, Double(slices.lowerBound))
                guard sample?.contains(place) ?? true else { continue }
                let uncertainty = try probabilities.spread(of: number, at: peak.center)
                let (centre, radius) = (place * voxelSize.vectorInAngstroms, diameter / 2)
                let volume = 4 / 3 * Double.pi * radius * radius * radius
                particles.append(
                    FoundObject(
                        number: particles.count + 1, class: name, centroidInAngstroms: centre, radiusInAngstroms: radius,
                        voxels: max(1, Int((volume / voxelSize.volumeInCubicAngstroms).rounded())),
                        volumeInCubicNanometers: volume / 1000, confidence: min(max(Double(peak.score), 0), 1),
                        uncertainty: uncertainty, boxMinimumInAngstroms: centre - radius, boxMaximumInAngstroms: centre + radius))
            }
        }
        return particles
    }

    /// The peaks of a class's probabilities whose score is high enough, in voxels of the slices.
    ///
    /// - Parameter leastScores: of each network that knows the class.
    private func peaks(
        _ probabilities: ProbabilitySlices, of number: Int, diameterInVoxels: Double, leastScores: [Double]
    ) throws -> [Peak] {
        let shape = probabilities.shape
        var finders = try leastScores.map { _ in
            try PeakFinder(height: shape.y, width: shape.x, diameterInVoxels: diameterInVoxels)
        }
        for z in 0..<shape.z {
            try item.checkCancellation()
            for (finder, slice) in try probabilities.each(of: number, slice: z).enumerated() { try finders[finder].append(slice) }
        }
        let maps = finders.indices.map { finders[$0].finish() }
        return maps.count == 1
            ? maps[0].filter { Double($0.score) >= leastScores[0] }
            : Peak.agreed(maps, leastScores: leastScores.map(Float.init), within: diameterInVoxels / 2 + 1)
    }
}
