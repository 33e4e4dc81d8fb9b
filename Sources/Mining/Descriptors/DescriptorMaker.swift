public import Basics
internal import Foundation

/// Describes particles by numbers that do not change when a particle turns, and little with the missing wedge.
///
/// Everything is sampled in Å: the density around the centre up to 1.4 radii, under a soft window, its Fourier transform at
/// frequencies that are multiples of 2 / (5 R) up to 3.2 / R, and spherical harmonics of the directions that the tilt series
/// measured (``ParticleDescriptor/Part``). So tomograms of different voxel sizes have the same components, as far as their voxels
/// are at most R / 6.4.
///
/// The power of spherical harmonics as a rotation-invariant descriptor: M. Kazhdan, T. Funkhouser, S. Rusinkiewicz, *Rotation
/// invariant spherical harmonic representation of 3D shape descriptors*, SGP 2003; as a filter of volumes under a wedge: F.
/// Förster et al., *Classification of cryo-electron sub-tomograms using constrained correlation*, J. Struct. Biol. 161 (2008).
///
/// ```swift
/// let maker = try DescriptorMaker(voxelSizeInAngstroms: 13.48, radiusInAngstroms: 115, wedge: MissingWedge(tiltsInDegrees:
/// -60...60)) let row = try maker.describe(box: box)   // box: maker.sideInVoxels³ densities, [z][y][x], the particle in the
/// middle voxel
/// ```
///
/// A maker is immutable: several threads may use one. Equal boxes have equal bits, whatever the number of threads.
public struct DescriptorMaker: Sendable {
    /// The parts of the descriptor.
    public let descriptor: ParticleDescriptor
    /// The edge of a voxel, in Å.
    public let voxelSizeInAngstroms: Double
    /// R: particles up to this radius are seen as a whole.
    public let radiusInAngstroms: Double
    /// What the tilt series did not measure.
    public let wedge: MissingWedge

    private let ball: BallSampling
    private let spectrum: BoxSpectrum
    private let fit: HarmonicFit

    /// The valid radii over the edge of a voxel.
    public static let radiiInVoxels = 6.4...64

    /// - Parameters:
    ///   - parts: what to compute, of ``ParticleDescriptor/Part/ofDensities``.
    ///   - voxelSizeInAngstroms: the edge of the cubic voxels.
    ///   - radiusInAngstroms: R, best the radius of the largest particles that matter; 6.4 to 64 voxels.
    ///   - wedge: what the tilt series did not measure.
    /// - Throws: ``MiningError`` where a number is out of range, no part is named, or one that a network makes.
    /// - Complexity: some 5 ms; memory is some 12 bytes for each voxel of a box.
    public init(
        parts: [ParticleDescriptor.Part] = [.shells, .spectrum, .harmonics], voxelSizeInAngstroms: Double,
        radiusInAngstroms: Double = 115, wedge: MissingWedge = .none
    ) throws(MiningError) {
        descriptor = try ParticleDescriptor(parts)
        if let learned = descriptor.parts.first(where: \.isLearned) {
            throw .parameter(
                "a part of a descriptor of densities", "\"\(learned.rawValue)\"",
                mustBe: "one of \(ParticleDescriptor.Part.ofDensities.map(\.rawValue).joined(separator: ", "))")
        }
        guard voxelSizeInAngstroms.isFinite, voxelSizeInAngstroms > 0 else {
            throw .parameter("the voxel size", voxelSizeInAngstroms, mustBe: "above 0 Å; set the voxel size of the tomogram")
        }
        guard radiusInAngstroms.isFinite, Self.radiiInVoxels.contains(radiusInAngstroms / voxelSizeInAngstroms) else {
            let (least, most) = (6.4 * voxelSizeInAngstroms, 64 * voxelSizeInAngstroms)
            throw .parameter(
                "the radius of a descriptor", radiusInAngstroms,
                mustBe: "\(least) to \(most) Å in voxels of \(voxelSizeInAngstroms) Å")
        }
        (self.voxelSizeInAngstroms, self.radiusInAngstroms, self.wedge) = (voxelSizeInAngstroms, radiusInAngstroms, wedge)
        let step = 0.4 / radiusInAngstroms
        ball = BallSampling(radius: radiusInAngstroms, voxelSize: voxelSizeInAngstroms)
        spectrum = BoxSpectrum(side: ball.side, voxelSize: voxelSizeInAngstroms, step: step, reach: ParticleDescriptor.bands)
        fit = HarmonicFit(
            frequencies: spectrum.frequencies, step: step, count: ParticleDescriptor.bands, wedge: wedge)
    }

    /// The side of the boxes to describe, an odd number of voxels: 2 ⌈1.4 R / voxel⌉ + 1.
    public var sideInVoxels: Int { ball.side }

    /// The side of the boxes of a maker, an odd number of voxels.
    public static func side(radiusInAngstroms radius: Double, voxelSizeInAngstroms voxelSize: Double) -> Int {
        BallSampling.side(radius: radius, voxelSize: voxelSize)
    }

    /// A name for each component, for readers.
    public var componentNames: [String] { descriptor.componentNames(radiusInAngstroms: radiusInAngstroms) }

    /// The descriptor of the particle in the middle of a box.
    ///
    /// - Parameters:
    ///   - box: densities `[z][y][x]` of a cube of ``sideInVoxels``. Particles are bright (turn the sign where they are dark).
    ///     Beyond the tomogram give its mean.
    ///   - offset: (x, y, z) of the particle from the middle voxel, in voxels, at most 1 each. It is exact for spectrum and
    ///     harmonics; shells and moments stay at the middle voxel.
    /// - Returns: the components of ``descriptor``, all finite. Of a constant box all are 0.
    /// - Throws: ``MiningError`` where the box has another size, a density is NaN or infinite, or too large.
    /// - Complexity: 9 side³ multiplications: about 0.5 ms for 33³ voxels.
    public func describe(box: [Float], offset: SIMD3<Double> = .zero) throws(MiningError) -> [Float] {
        let result = box.withUnsafeBufferPointer { buffer in
            Result { () throws(MiningError) in try describe(box: buffer, offset: offset) }
        }
        return try result.get()
    }

    /// The descriptor of the particle in the middle of a box; see the other `describe(box:offset:)`.
    public func describe(box: UnsafeBufferPointer<Float>, offset: SIMD3<Double> = .zero) throws(MiningError) -> [Float] {
        try check(box, offset)
        guard let first = box.first, !box.allSatisfy({ $0 == first }) else {
            return [Float](repeating: 0, count: descriptor.count)
        }
        let ground = ball.ground(box)
        var windowed = [Float](repeating: 0, count: box.count)
        for index in windowed.indices { windowed[index] = (box[index] - ground) * ball.window[index] }
        let needsTransform = descriptor.parts.contains { $0 == .spectrum || $0 == .harmonics }
        let (coefficients, amplitudes) = needsTransform ? harmonics(windowed, offset) : ([], [])
        var row: [Float] = []
        row.reserveCapacity(descriptor.count)
        for part in descriptor.parts {
            switch part {
            case .shells: row += ball.shells(box, ground: ground)
            case .spectrum: row += coefficients.map { $0[0] } + amplitudes
            case .harmonics: row += Self.powers(coefficients)
            case .moments: row += ball.moments(windowed)
            case .form: row += Self.unit(ball.shells(box, ground: ground))
            case .network, .diffusion: break
            }
        }
        guard row.allSatisfy(\.isFinite) else { throw .tooLarge }
        return row
    }

    private func check(_ box: UnsafeBufferPointer<Float>, _ offset: SIMD3<Double>) throws(MiningError) {
        guard box.count == sideInVoxels * sideInVoxels * sideInVoxels else { throw .box(box.count, side: sideInVoxels) }
        guard [offset.x, offset.y, offset.z].allSatisfy({ abs($0) <= 1 }) else {
            throw .parameter(
                "the offset of a particle from the middle of its box", offset, mustBe: "at most 1 voxel along each axis")
        }
        if let index = box.firstIndex(where: { !$0.isFinite }) { throw .density(at: index, side: sideInVoxels) }
    }

    /// The coefficients of the windowed density about the particle, `[band][harmonic]`, and the amplitude in each band.
    private func harmonics(_ windowed: [Float], _ offset: SIMD3<Double>) -> ([[Float]], [Float]) {
        var (real, imaginary) = spectrum(windowed)
        // Of density times volume, over R³: sums over smaller voxels are as large.
        let edge = voxelSizeInAngstroms / radiusInAngstroms
        let scale = Float(edge * edge * edge)
        let shift = offset * voxelSizeInAngstroms
        for index in real.indices {
            let (a, b) = (scale * real[index], scale * imaginary[index])
            (real[index], imaginary[index]) = (a, b)
            guard offset != .zero else { continue }
            let angle = 2 * Double.pi * (spectrum.frequencies[index] * shift).sum()
            let (cosine, sine) = (Float(cos(angle)), Float(sin(angle)))
            (real[index], imaginary[index]) = (a * cosine - b * sine, a * sine + b * cosine)
        }
        return (fit(real, imaginary), fit.amplitudes(real, imaginary))
    }

    /// Numbers divided by the root of the sum of their squares; zeros where this is 0.
    private static func unit(_ values: [Float]) -> [Float] {
        let length = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        return values.map { length > 0 ? Float(Double($0) / length) : 0 }
    }

    /// For each degree the norm of the coefficients of each band, then their products of neighbouring bands, as signed roots.
    private static func powers(_ coefficients: [[Float]]) -> [Float] {
        ParticleDescriptor.degrees.flatMap { degree in
            let indices = SphericalHarmonics.indices(ofDegree: degree)
            func product(_ a: Int, _ b: Int) -> Float { indices.reduce(0) { $0 + coefficients[a][$1] * coefficients[b][$1] } }
            let own = coefficients.indices.map { product($0, $0).squareRoot() }
            let shared = coefficients.indices.dropLast().map { band in
                let sum = product(band, band + 1)
                return sum < 0 ? -(-sum).squareRoot() : sum.squareRoot()
            }
            return own + shared
        }
    }
}
