import Basics
import Foundation
public import Simulation
import Volumes

/// Simulated tomograms with their truth, as files: `tomo_01.mrc`, … and `truth/tomo_01_labels.mrc`, `truth/tomo_01_surfaces.mrc`
/// (two slices: the heights in voxels of the lamella's lower and upper surface), `truth/tomo_01_particles.csv`,
/// `truth/tomo_01.json`.
public struct SimulatedCollection: Sendable {
    /// A folder; made where there is none.
    public var directory: String
    /// Of each tomogram.
    public var parameters: [SimulationParameters]

    /// Tomograms of scenes that may differ, one for each element.
    public init(directory: String, parameters: [SimulationParameters]) {
        self.directory = directory
        self.parameters = parameters
    }

    /// Tomograms of the same kind of scene.
    ///
    /// - Parameter parameters: of the first tomogram; each further one has the next seed.
    public init(directory: String, count: Int, parameters: SimulationParameters) {
        self.init(
            directory: directory,
            parameters: (0..<count).map {
                var next = parameters
                next.seed &+= UInt64($0)
                return next
            })
    }

    /// Tomograms of random scenes.
    ///
    /// - Parameters:
    ///   - seed: of the first tomogram; each further one has the next.
    ///   - x: the number of voxels along x; y and z likewise.
    public init(directory: String, count: Int, scenes: RandomisedScenes, seed: UInt64, x: Int, y: Int, z: Int) {
        self.init(
            directory: directory,
            parameters: (0..<count).map { scenes.parameters(seed: seed &+ UInt64($0), x: x, y: y, z: z) })
    }

    /// The name of a tomogram, counted from 0.
    public static func name(of index: Int) -> String { String(format: "tomo_%02d", index + 1) }

    /// The files of one tomogram.
    private struct Files {
        let greyValues: OutputFile
        let labels: OutputFile
        let surfaces: OutputFile
        let particles: OutputFile
        let sidecar: OutputFile

        init(_ name: String, in directory: String, _ files: OutputFiles) throws {
            greyValues = try files.file("\(directory)/\(name).mrc")
            labels = try files.file("\(directory)/truth/\(name)_labels.mrc")
            surfaces = try files.file("\(directory)/truth/\(name)_surfaces.mrc")
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
    /// - Throws: `SimulationError` where the parameters cannot be simulated, `VolumeError` where a file must not be written: then
    ///   nothing is written.
    public func write(
        to outputs: OutputFiles, label: String, progress: (_ index: Int, TomogramSimulation.Progress) -> Void = { _, _ in }
    ) throws -> [String] {
        for parameters in parameters { try parameters.validate() }
        // All names are looked at before the first file is written.
        let files = try parameters.indices.map { try Files(Self.name(of: $0), in: directory, outputs) }
        try NewFolder.make("\(directory)/truth")
        return try zip(parameters, files).enumerated().map { index, scene in
            let (parameters, files) = scene
            let tomogram = try TomogramSimulation(parameters).run { progress(index, $0) }
            try write(tomogram, to: files, label: "Simulated by \(label), seed \(parameters.seed)")
            return files.greyValues.path
        }
    }

    private func write(_ tomogram: SimulatedTomogram, to files: Files, label: String) throws {
        guard let edge = VoxelSize(cubicInAngstroms: tomogram.parameters.voxelSizeInAngstroms),
            let surfaces = tomogram.surfaces.voxels
        else { return }
        let volumes = [
            (files.greyValues, tomogram.greyValues), (files.labels, tomogram.labels), (files.surfaces, surfaces),
        ]
        for (file, voxels) in volumes {
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
