import Cellpose
import Foundation
import ImageProcessing
import Synchronization

/// A slab that went from masks through splitting, gating and linking to particles and membranes.
struct SplitSlab: Sendable {
    let particles: LinkedInstances
    /// For each slice the particles' identifiers.
    let identifiers: [Image<Int32>]
    let parts: [MembraneAssembly.Parts]
    /// Seconds on the clock.
    let seconds: Double

    struct Parameters: Sendable {
        /// Finds instances in the mask of a slice.
        var split: @Sendable (Mask) throws -> Image<Int32>
        var gate: ShapeGate
        var assembly: MembraneAssembly
        var diameters: ParticleDiameters

        /// - Parameters: lengths in Å; a network that finds instances in the place of the watershed.
        init(diameters: ClosedRange<Double>, membrane: Double, voxelSize: Double, cellpose: CellposeModel?) throws {
            let pixels = try ParticleDiameters(inAngstroms: diameters, voxelSizeInAngstroms: voxelSize)
            if let cellpose {
                split = { try cellpose.instances(in: $0.map { $0 ? 1 : 0 }, diameter: pixels.largest) }
            } else {
                let splitter = try InstanceSplitter(pixels)
                split = { try splitter($0) }
            }
            self.diameters = pixels
            gate = try ShapeGate(self.diameters)
            assembly = try MembraneAssembly(thickness: membrane / voxelSize)
        }
    }

    init(_ masks: [Mask], _ parameters: Parameters, threads: Int) throws {
        let start = ContinuousClock.now
        let instances = try Self.map(masks.count, threads: threads) { try parameters.gate(parameters.split(masks[$0])) }
        var linking = InstanceLinking(parameters.diameters)
        for slice in instances { try linking.append(slice.labels, slice.accepted) }
        let particles = linking.finished()
        let identifiers = try instances.enumerated().map { try particles.identifiers($1.labels, slice: $0) }
        parts = try Self.map(masks.count, threads: threads) { try parameters.assembly(masks[$0], without: identifiers[$0]) }
        self.particles = particles
        self.identifiers = identifiers
        seconds = (ContinuousClock.now - start) / .seconds(1)
    }

    private static func map<Result: Sendable>(
        _ count: Int, threads: Int, _ body: @Sendable (Int) throws -> Result
    ) throws -> [Result] {
        let results = Mutex([Swift.Result<Result, any Error>?](repeating: nil, count: count))
        let next = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: threads) { _ in
            while true {
                let index = next.add(1, ordering: .relaxed).oldValue
                guard index < count else { return }
                let result = Swift.Result { try body(index) }
                results.withLock { $0[index] = result }
            }
        }
        return try results.withLock { try $0.compactMap { try $0?.get() } }
    }
}
