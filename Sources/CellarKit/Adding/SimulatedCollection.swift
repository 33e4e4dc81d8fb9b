import Basics
import Foundation
public import Simulation
import Volumes

/// Simulated tomograms with their truth, as files: `tomo_01.mrc`, … and `truth/tomo_01_labels.mrc`, `truth/tomo_01_particles.csv`,
/// `truth/tomo_01.json`.
public struct SimulatedCollection: Sendable {
    /// A folder; made where there is none.
    public var directory: String
    public var count: Int
    /// Of the first tomogram; each further one has the next seed.
    public var parameters: SimulationParameters

    public init(directory: String, count: Int, parameters: SimulationParameters) {
        self.directory = directory
        self.count = count
        self.parameters = parameters
    }

    /// The name of a tomogram, counted from 0.
    public static func name(of index: Int) -> String { String(format: "tomo_%02d", index + 1) }

    /// The files of one tomogram.
    private struct Files {
        let greyValues: OutputFile
        let labels: OutputFile
        let particles: OutputFile
        let sidecar: OutputFile

        init(_ name: String, in directory: String, _ files: OutputFiles) throws {
            greyValues = try files.file("\(directory)/\(name).mrc")
            labels = try files.file("\(directory)/truth/\(name)_labels.mrc")
            particles = try files.file("\(directory)/truth/\(name)_particles.csv")
            sidecar = try files.file("\(directory)/truth/\(name).json")
        }
    }

    /// Simulates the tomograms one by one, and writes them.
    ///
    /// - Parameters:
    ///   - label: the program, for the headers of the files.
    ///   - progress: called with the index of the tomogram that is simulated.
    /// - Returns: the paths of the tomograms.
    /// - Throws: ``SimulationError`` where the parameters cannot be simulated, ``VolumeError`` where a file must not be written: then
    ///   nothing is written.
    public func write(
        to outputs: OutputFiles, label: String, progress: (_ index: Int, TomogramSimulation.Progress) -> Void = { _, _ in }
    ) throws -> [String] {
        try parameters.validate()
        // All names are looked at before the first file is written.
        let files = try (0..<count).map { try Files(Self.name(of: $0), in: directory, outputs) }
        try NewFolder.make("\(directory)/truth")
        return try files.enumerated().map { index, files in
            var parameters = parameters
            parameters.seed &+= UInt64(index)
            let tomogram = try TomogramSimulation(parameters).run { progress(index, $0) }
            try write(tomogram, to: files, label: "Simulated by \(label), seed \(parameters.seed)")
            return files.greyValues.path
        }
    }

    private func write(_ tomogram: SimulatedTomogram, to files: Files, label: String) throws {
        guard let edge = VoxelSize(cubicInAngstroms: tomogram.parameters.voxelSizeInAngstroms) else { return }
        for (file, voxels) in [(files.greyValues, tomogram.greyValues), (files.labels, tomogram.labels)] {
            let writer = try MRCWriter(
                file, shape: voxels.shape, scalarType: voxels.scalarType, voxelSize: edge, labels: [label])
            try writer.append(voxels)
            try writer.finish()
        }
        let points = tomogram.particles.map { particle in
            var point = PickedPoint(x: particle.xInAngstroms, y: particle.yInAngstroms, z: particle.zInAngstroms)
            point.className = particle.particleClass.name
            point.radiusInAngstroms = particle.radiusInAngstroms
            return point
        }
        try PointFile.write(
            PointSet(points: points, convention: .angstrom), to: files.particles, voxelSize: edge,
            shape: tomogram.greyValues.shape)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try files.sidecar.write(Array(encoder.encode(tomogram.sidecar)))
    }
}
