import Basics
import Foundation
import Tensors

/// First references, and how averages lie to each other.
extension SubvolumeRounds {
    func shellCorrelation(_ volumes: [[Float]]) -> FourierShellCorrelation {
        let transforms = volumes.map { volume in grid.transform(volume.indices.map { volume[$0] * grid.mask[$0] }, all) }
        return FourierShellCorrelation(transforms[0], transforms[1], shells: all.shells, edge: edge)
    }

    /// Turns the second half so that it lies as the first one does, with its poses.
    mutating func unite(_ volumes: inout [[Float]], _ gains: [Double]) throws {
        let found = pose(of: volumes[1], to: volumes[0], gains)
        guard found.rotation != .identity || found.shift != .zero else { return }
        turn(members(1), found)
        volumes[1] = try average(members(1))
    }

    /// How a volume lies to another one that it nearly fits.
    private func pose(of volume: [Float], to other: [Float], _ gains: [Double]) -> SubvolumePose {
        let radius = min(gains.count - 1, grid.highest)
        let frequencies = SubvolumeFrequencies(grid: grid.grid, radius: radius) { $0 != .zero }
        let amplitudes = frequencies.shells.map { power[$0] > 0 ? Float((gains[$0] / power[$0]).squareRoot()) : 0 }
        let particle = SubvolumeParticle(
            grid.transform(volume.indices.map { volume[$0] * grid.mask[$0] }, frequencies), wedge: amplitudes.map { _ in 1 },
            amplitudes: amplitudes)
        let search = SubvolumeSearch(
            reference: reference(other, radius), frequencies: frequencies, amplitudes: amplitudes,
            reach: parameters.shiftInVoxels)
        let steps = [(8.0, 1.0), (4, 0.5), (2, 0.25), (1, 0.125), (0.5, 0.0625), (0.25, 0.03125)]
        return search.local(particle, SubvolumePose(rotation: .identity), steps: steps)
    }

    /// Turns the frame of an average, whose pose to the new one is given, for the poses of some boxes.
    private mutating func turn(_ indices: [Int], _ found: SubvolumePose) {
        for index in indices {
            let pose = poses[index]
            poses[index].rotation = pose.rotation * found.rotation
            poses[index].shift = pose.shift + pose.rotation.turn(found.shift)
        }
    }

    /// Turns all so that their average lies as a given reference does.
    mutating func settle(_ volumes: inout [[Float]], on given: [Float], _ gains: [Double]) throws {
        let found = pose(of: try average(Array(poses.indices)), to: given, gains)
        guard found.rotation != .identity || found.shift != .zero else { return }
        turn(Array(poses.indices), found)
        volumes = try (0..<halves).map { try average(members($0)) }
    }

    /// The average of up to 48 boxes that several of them, each as the first reference, lead to: the one with the best mean score.
    mutating func firstReference(_ gains: [Double]) throws -> [Float] {
        var random = RandomStream(seed: parameters.seed, purpose: 0x6176_6732)
        let chosen = Array(random.shuffled(Array(poses.indices)).prefix(48))
        let band = band(gains)
        let radius = band.frequencies.shells.last ?? 1
        let found = try particles(chosen, band)
        let rotations = SubvolumeRotation.covering(spacing: max(parameters.spacingInDegrees, 20))
        let step = max(Double(grid.grid) / Double(radius) / 4, 1)
        let spectra = try self.spectra(chosen, radius)
        let low = SubvolumeFrequencies(grid: grid.grid, radius: radius)
        var best: (score: Double, volume: [Float])?
        for place in spectra.indices.prefix(parameters.restarts) {
            var (reference, volume, score) = (spectra[place], [Float](), 0.0)
            for iteration in 0..<4 {
                let search = SubvolumeSearch(
                    reference: reference, frequencies: band.frequencies, amplitudes: band.amplitudes, isPartial: iteration == 0,
                    reach: parameters.shiftInVoxels)
                let poses = try search.global(found, rotations, shiftStep: step, keep: 1) {
                    try tell((Double(iteration) + $0) / 4)
                }.map { $0.first ?? SubvolumePose(rotation: .identity) }
                score = poses.reduce(0) { $0 + $1.score } / Double(max(poses.count, 1))
                var sum = SubvolumeSum(low)
                for (spectrum, pose) in zip(spectra, poses) { sum.add(SubvolumeSum.turned(spectrum, pose, low)) }
                volume = grid.box(sum.mean, low)
                reference = self.reference(volume, radius)
            }
            if best.map({ score > $0.score }) ?? true { best = (score, volume) }
            finishPass()
        }
        return best?.volume ?? []
    }
    /// Spectra of masked boxes up to a shell.
    private func spectra(_ indices: [Int], _ radius: Int) throws -> [SubvolumeSpectrum] {
        let (grid, kind) = (grid, kind)
        let highest = Double(radius) / Double(grid.grid)
        let weights = kinds.map { SubvolumeWeight($0, side: grid.side, highest: highest) }
        var found: [SubvolumeSpectrum] = []
        try map(indices) { index, box in
            SubvolumeSpectrum(
                grid.normalised(box, grid.mask).box, side: grid.side, highest: highest, order: 1, weight: weights[kind[index]])
        } _: {
            found.append($1)
        }
        return found
    }
}
