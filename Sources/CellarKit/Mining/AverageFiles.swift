import Basics
import Catalog
import Foundation
import Mining
import Volumes

/// The files of an average in a folder, all of which may be written: volumes, the correlation of the halves, and how each particle lies.
struct AverageFiles {
    private enum Name {
        static let (average, halves, curve) = ("average.mrc", ["half1.mrc", "half2.mrc"], "fsc.csv")
        static let particles = "particles.star"
    }

    /// The particles of one object in one copick run.
    private struct Picks {
        let folder: String
        let file: OutputFile
        let run: String
        let object: String
        /// Which of the particles.
        let indices: [Int]
    }

    private let (average, curve, star): (OutputFile, OutputFile, OutputFile)
    private let halves: [OutputFile]
    private let picks: [Picks]
    private let particles: [AveragedCandidate]
    private let folder: String
    private let isNew: Bool

    /// Makes the folder where there is none.
    ///
    /// - Parameters:
    ///   - particles: that are averaged; there are no halves of one.
    ///   - runs: the copick run of each tomogram, by id.
    /// - Throws: `VolumeError` where a file must not be written; `CatalogError` where the folder cannot be made.
    init(_ folder: String, files: OutputFiles, particles: [AveragedCandidate], runs: [Int64: String]) throws {
        self.folder = folder
        self.particles = particles
        isNew = !FileManager.default.fileExists(atPath: folder)
        (average, curve, star) = (
            try files.file("\(folder)/\(Name.average)"), try files.file("\(folder)/\(Name.curve)"),
            try files.file("\(folder)/\(Name.particles)")
        )
        halves = particles.count > 1 ? try Name.halves.map { try files.file("\(folder)/\($0)") } : []
        let session = CopickSession()
        let groups = Dictionary(grouping: particles.indices) { index in
            let particle = particles[index]
            // Names with a slash or a dot in front would lead to other folders.
            let run = (runs[particle.tomogramID] ?? particle.tomogram).replacing("/", with: "-")
            return [run.hasPrefix(".") ? "-" + run : run, CopickName.safe(particle.kindName ?? particle.className) ?? "object"]
        }
        picks = try groups.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { key, indices in
            let runFolder = "\(folder)/\(CopickProject.runsFolder)/\(key[0])/\(CopickProject.picksFolder)"
            return Picks(
                folder: runFolder, file: try files.file("\(runFolder)/\(session.userID)_\(session.sessionID)_\(key[1]).json"),
                run: key[0], object: key[1], indices: indices)
        }
        guard isNew else { return }
        // One folder and not those above it, so that nothing is left of what fails; before the work, which takes minutes.
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        } catch {
            throw CatalogError(
                .invalid, "the folder \(folder) cannot be made; give one in a folder that is there, and that you may write to")
        }
    }

    /// Removes the folder where it was made here and is still empty.
    func discard() { if isNew { rmdir(folder) } }

    /// Writes the files.
    ///
    /// - Parameters:
    ///   - middles: the middle voxel (x, y, z) of the box of each particle.
    ///   - shapes: of tomograms, by id.
    func write(
        _ result: SubvolumeAverage, at middles: [SIMD3<Double>], shapes: [Int64: VolumeShape], voxelSize: VoxelSize
    ) throws {
        guard let shape = VolumeShape(z: result.side, y: result.side, x: result.side) else { return }
        let resolution = result.resolutionInAngstroms.map { ", \(Int($0.rounded())) A by halves" } ?? ""
        for (file, values) in zip([average] + halves, [result.volume] + result.halves) {
            guard let voxels = VoxelBuffer(shape: shape, values: values) else { continue }
            let writer = try MRCWriter(
                file, shape: shape, scalarType: .float32, voxelSize: voxelSize,
                labels: ["Cellar: average of \(result.poses.count) particles\(resolution)"])
            try writer.append(voxels)
            try writer.finish()
        }
        let rows = result.correlation.map { zip($0.frequencies, $0.values) }?.map { frequency, value in
            "\(frequency),\(frequency > 0 ? "\(1 / frequency)" : ""),\(value)"
        }
        try curve.write(Array((["frequency,resolution,correlation"] + (rows ?? [])).map { "\($0)\n" }.joined().utf8))
        let points = points(of: result, at: middles, voxelSize: voxelSize)
        let centered = zip(points, particles).compactMap { point, particle in
            shapes[particle.tomogramID].flatMap { shape in
                PointSet(points: [point], convention: .angstrom)
                    .converted(to: .relion5Centered, voxelSize: voxelSize, shape: shape).points.first
            }
        }
        try PointFile.write(
            PointSet(points: centered, convention: .relion5Centered), to: star, voxelSize: voxelSize, shape: shape)
        for group in picks {
            try NewFolder.make(group.folder)
            let set = PointSet(
                points: group.indices.map { index in
                    var point = points[index]
                    (point.className, point.tomogramName) = (group.object, group.run)
                    return point
                }, convention: .angstrom)
            try PointFile.write(set, to: group.file, voxelSize: voxelSize, shape: shape)
        }
    }

    /// The particles where they were found to lie, in Å, with their orientations.
    private func points(of result: SubvolumeAverage, at middles: [SIMD3<Double>], voxelSize: VoxelSize) -> [PickedPoint] {
        // Names are unique within a dataset only.
        let owners = Dictionary(grouping: particles, by: \.tomogram).mapValues { Set($0.map(\.tomogramID)).count }
        return particles.indices.map { index in
            let (particle, pose) = (particles[index], result.poses[index])
            let place = (middles[index] + pose.shift) * voxelSize.vectorInAngstroms
            let angles = pose.relionAngles
            return PickedPoint(
                x: place.x, y: place.y, z: place.z,
                orientation: ParticleOrientation(rot: angles.rot, tilt: angles.tilt, psi: angles.psi),
                className: particle.className,
                tomogramName: owners[particle.tomogram] == 1 ? particle.tomogram : "\(particle.dataset)_\(particle.tomogram)",
                score: pose.score, radiusInAngstroms: particle.radiusInAngstroms)
        }
    }
}
