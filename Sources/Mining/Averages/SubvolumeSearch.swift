import Basics
import Foundation
import Tensors

/// The transform of a particle at some frequencies, filtered, and what its tilt series measured of them.
struct SubvolumeParticle: Sendable {
    /// Real parts, then imaginary parts; 0 where nothing was measured.
    let values: [Float]
    /// 1 where measured, else 0.
    let wedge: [Float]

    /// - Parameter amplitudes: a factor for each frequency.
    init(_ transform: [Float], wedge: [Float], amplitudes: [Float]) {
        let count = amplitudes.count
        values = transform.indices.map { transform[$0] * wedge[$0 % count] * amplitudes[$0 % count] }
        self.wedge = wedge
    }

    /// Squares of the amplitudes.
    var power: [Float] {
        let count = wedge.count
        return (0..<count).map { values[$0] * values[$0] + values[count + $0] * values[count + $0] }
    }

    /// The particle moved by −s: values times exp(2πi k·s).
    func moved(back shift: SIMD3<Double>, _ frequencies: SubvolumeFrequencies) -> [Float] {
        guard shift != .zero else { return values }
        let count = wedge.count
        var moved = values
        for (index, k) in frequencies.points.enumerated() {
            let angle = 2 * Double.pi * (k * shift).sum() / Double(frequencies.grid)
            let (c, s) = (Float(cos(angle)), Float(sin(angle)))
            let (a, b) = (values[index], values[count + index])
            (moved[index], moved[count + index]) = (a * c - b * s, a * s + b * c)
        }
        return moved
    }
}

/// exp(2πi k·s) for some shifts, `[shift][k]`.
struct SubvolumeShifts: Sendable {
    let shifts: [SIMD3<Double>]
    private let cosines: [Float]
    private let sines: [Float]

    init(_ shifts: [SIMD3<Double>], _ frequencies: SubvolumeFrequencies) {
        self.shifts = shifts
        let angles = shifts.map { shift in
            frequencies.points.map { 2 * Double.pi * ($0 * shift).sum() / Double(frequencies.grid) }
        }
        cosines = angles.flatMap { $0.map { Float(cos($0)) } }
        sines = angles.flatMap { $0.map { Float(sin($0)) } }
    }

    /// The values of a particle under all shifts, `[shift][real, imaginary]`.
    func apply(_ values: [Float]) -> [Float] {
        let count = values.count / 2
        return [Float](unsafeUninitializedCapacity: shifts.count * values.count) { buffer, filled in
            values.withUnsafeBufferPointer { values in
                cosines.withUnsafeBufferPointer { cosines in
                    sines.withUnsafeBufferPointer { sines in
                        for shift in shifts.indices {
                            let (phase, row) = (shift * count, shift * 2 * count)
                            for k in 0..<count {
                                let (c, s, a, b) = (cosines[phase &+ k], sines[phase &+ k], values[k], values[count &+ k])
                                buffer[row &+ k] = a * c - b * s
                                buffer[row &+ count &+ k] = a * s + b * c
                            }
                        }
                    }
                }
            }
            filled = shifts.count * values.count
        }
    }
}

/// A reference under several rotations, at the frequencies of particles.
struct SubvolumeBank: Sendable {
    let rotations: [SubvolumeRotation]
    /// `[rotation][real, imaginary]`, filtered.
    private let values: [Float]
    /// `[rotation][k]`: squares of the amplitudes, and of the weights of a reference that is not known everywhere.
    private let power: [Float]
    private let weights: [Float]?

    init(
        _ reference: SubvolumeSpectrum, _ rotations: [SubvolumeRotation], _ frequencies: SubvolumeFrequencies,
        amplitudes: [Float], isPartial: Bool
    ) {
        self.rotations = rotations
        let count = frequencies.count
        var values = [Float](repeating: 0, count: rotations.count * 2 * count)
        var power = [Float](repeating: 0, count: rotations.count * count)
        var weights = [Float](repeating: 0, count: isPartial ? power.count : 0)
        values.withUnsafeMutableBufferPointer { values in
            power.withUnsafeMutableBufferPointer { power in
                weights.withUnsafeMutableBufferPointer { weights in
                    // Each chunk writes rows of its own.
                    nonisolated(unsafe) let (values, power, weights) = (values, power, weights)
                    Threads.perform(rotations.count) { row in
                        reference.read(frequencies, rotations[row], back: true) { k, value in
                            let (a, b) = (amplitudes[k] * value.x, amplitudes[k] * value.y)
                            values[row &* 2 &* count &+ k] = a
                            values[(row &* 2 &+ 1) &* count &+ k] = b
                            power[row &* count &+ k] = a * a + b * b
                            if isPartial { weights[row &* count &+ k] = value.z * value.z }
                        }
                    }
                }
            }
        }
        (self.values, self.power, self.weights) = (values, power, isPartial ? weights : nil)
    }

    /// The best shift and its score, for each rotation: the constrained cross-correlation (F. Förster et al., *Classification of
    /// cryo-electron sub-tomograms using constrained correlation*, J. Struct. Biol. 161 (2008)).
    func scores(_ particle: SubvolumeParticle, shifted: [Float], shifts: Int) -> [(score: Float, shift: Int)] {
        let (count, rows) = (particle.wedge.count, rotations.count)
        let products = Self.multiply(shifted, shifts, values, rows, 2 * count)
        let energies = Self.multiply(particle.wedge, 1, power, rows, count)
        let own = particle.power
        let total = own.reduce(0, +)
        let ownEnergies = weights.map { Self.multiply(own, 1, $0, rows, count) }
        return (0..<rows).map { row in
            var (best, place) = (products[row], 0)
            for shift in 1..<max(shifts, 1) where products[shift * rows + row] > best {
                (best, place) = (products[shift * rows + row], shift)
            }
            let energy = energies[row] * (ownEnergies?[row] ?? total)
            return (energy > 0 ? best / energy.squareRoot() : 0, place)
        }
    }

    /// A · Bᵀ of A `[rows, inner]` and B `[columns, inner]`.
    private static func multiply(_ a: [Float], _ rows: Int, _ b: [Float], _ columns: Int, _ inner: Int) -> [Float] {
        [Float](unsafeUninitializedCapacity: rows * columns) { buffer, filled in
            a.withUnsafeBufferPointer { a in
                b.withUnsafeBufferPointer { b in
                    guard let a = a.baseAddress, let b = b.baseAddress, let c = buffer.baseAddress else { return }
                    BLAS.multiply(
                        rows: rows, columns: columns, inner: inner, BLAS.Operand(a, stride: inner),
                        BLAS.Operand(b, stride: inner, transposed: true), into: c, stride: columns)
                }
            }
            filled = rows * columns
        }
    }
}

/// Finds how particles lie to one reference.
struct SubvolumeSearch: Sendable {
    let reference: SubvolumeSpectrum
    let frequencies: SubvolumeFrequencies
    /// For each frequency: the filter over the root of the mean power of the particles.
    let amplitudes: [Float]
    /// Whether the reference knows no more than its own tilt series measured.
    var isPartial = false
    /// Shifts do not go beyond, in voxels.
    let reach: Double

    /// Rotations are tried in chunks, whose references fit the memory.
    private static let chunk = 256

    /// For each particle the best rotations of a list, at most `keep`, the best first.
    func global(
        _ particles: [SubvolumeParticle], _ rotations: [SubvolumeRotation], shiftStep: Double, keep: Int,
        progress: (Double) throws -> Void
    ) throws -> [[SubvolumePose]] {
        let shifts = SubvolumeShifts(SubvolumeLattice.ball(radius: reach, step: shiftStep), frequencies)
        var found = [[SubvolumePose]](repeating: [], count: particles.count)
        for first in stride(from: 0, to: rotations.count, by: Self.chunk) {
            try progress(Double(first) / Double(rotations.count))
            let part = Array(rotations[first..<min(first + Self.chunk, rotations.count)])
            let bank = SubvolumeBank(reference, part, frequencies, amplitudes: amplitudes, isPartial: isPartial)
            found.withUnsafeMutableBufferPointer { found in
                // Each chunk writes one particle.
                nonisolated(unsafe) let found = found
                Threads.perform(particles.count) { index in
                    let particle = particles[index]
                    let scores = bank.scores(particle, shifted: shifts.apply(particle.values), shifts: shifts.shifts.count)
                    let poses = zip(part, scores).map {
                        SubvolumePose(rotation: $0, shift: shifts.shifts[$1.shift], score: Double($1.score))
                    }
                    found[index] = Array((found[index] + poses).sorted { $0.score > $1.score }.prefix(keep))
                }
            }
        }
        return found
    }

    /// The best pose near another one: neighbours at a step, while one of them is better, then at half of the step, and so on.
    func local(
        _ particle: SubvolumeParticle, _ start: SubvolumePose, steps: [(degrees: Double, shift: Double)], repeats: Int = 3
    ) -> SubvolumePose {
        var best = start
        best.score = -2
        for step in steps {
            let offsets = SubvolumeLattice.offsets.map { step.shift * $0 }
            let shifts = SubvolumeShifts(offsets, frequencies)
            for _ in 0..<repeats {
                let moved = SubvolumeParticle(moving: particle, back: best.shift, frequencies)
                let bank = SubvolumeBank(
                    reference, best.rotation.neighbours(stepInDegrees: step.degrees), frequencies, amplitudes: amplitudes,
                    isPartial: isPartial)
                let scores = bank.scores(moved, shifted: shifts.apply(moved.values), shifts: offsets.count)
                var next = best
                for (rotation, score) in zip(bank.rotations, scores) where Double(score.score) > next.score + 1e-7 {
                    let shift = best.shift + offsets[score.shift]
                    guard (shift * shift).sum() <= reach * reach + 1e-9 || (shift * shift).sum() < (best.shift * best.shift).sum()
                    else { continue }
                    (next.rotation, next.shift, next.score) = (rotation, shift, Double(score.score))
                }
                let isSame = next.rotation == best.rotation && next.shift == best.shift
                best = next
                if isSame { break }
            }
        }
        if best.score < -1 { best.score = 0 }
        return best
    }
}

extension SubvolumeParticle {
    fileprivate init(moving particle: SubvolumeParticle, back shift: SIMD3<Double>, _ frequencies: SubvolumeFrequencies) {
        self.init(values: particle.moved(back: shift, frequencies), wedge: particle.wedge)
    }

    private init(values: [Float], wedge: [Float]) { (self.values, self.wedge) = (values, wedge) }
}
