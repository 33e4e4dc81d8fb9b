import ArgumentParser
import CellarKit

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write results as files that other programs read.",
        discussion: """
            cellar export labels TS_0008 --output labels.mrc           classes of voxels, for IMOD, napari, ChimeraX
            cellar export labels TS_0008 --objects --output objects.mrc
            cellar export points TS_0008 --output particles.star       RELION 5; .csv and .json (copick) as well
            cellar export map TS_0008 --output map.mrc                 the feature map

            Volumes have the size and the voxel size of the tomogram; slices that no slab covers are 0. Where slabs overlap, the one \
            that was added first counts. Objects are numbered from 1 in each slab (scope_id in v_object).
            """,
        subcommands: [Labels.self, Points.self, Map.self])

    struct Labels: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write pseudo-labels as an MRC volume: 1 membrane, 2 macromolecule, 3 neither.")

        @Flag(help: "Write the number that each object has in v_object instead of its class.")
        var objects = false

        @OptionGroup var target: ExportTarget

        func run() throws {
            let name = objects ? "objects" : "classes"
            try target.writeVolume(
                step: "pseudo-labels", output: "labels", dataset: name, scalarType: objects ? .float32 : .uint8)
        }
    }

    struct Map: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the feature map as an MRC volume, 0 to 1, structures bright.")

        @OptionGroup var target: ExportTarget

        func run() throws {
            try target.writeVolume(step: "consistency", output: "maps", dataset: "maps", scalarType: .float32)
        }
    }

    struct Points: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the centres of particles: STAR (RELION 5), CSV, or copick's JSON, by the file's extension.")

        @Option(name: .customLong("class"), help: ArgumentHelp("Only objects of this class.", valueName: "name"))
        var className: String?

        @Option(
            help: ArgumentHelp(
                "Only objects of at least this confidence, 0 to 1; objects without one are left out then.", valueName: "number"))
        var leastConfidence: Double?

        @Option(
            help: ArgumentHelp(
                "What coordinates mean: \(CoordinateConvention.allCases.map(\.rawValue).joined(separator: ", ")).",
                valueName: "convention"),
            transform: ExportCommand.convention)
        var convention: CoordinateConvention?

        @OptionGroup var target: ExportTarget

        func run() throws {
            let (catalog, record, id, shape) = try target.tomogram()
            guard let voxelSize = try catalog.effectiveVoxelSize(id: id) else {
                throw CatalogError(
                    .invalid, "\(record.name) has no voxel size, which points need; add it again with --voxel-size")
            }
            // Particles have a radius; a piece of membrane has no centre that anybody would look for.
            let objects = try catalog.distinctObjects(ofTomogram: id, voxelSize: voxelSize, class: className).filter { object in
                (className != nil || object.radiusInAngstroms != nil)
                    && leastConfidence.map { $0 <= object.confidence ?? -.infinity } ?? true
            }
            let points = objects.map { object in
                PickedPoint(
                    x: object.centroidInAngstroms.x, y: object.centroidInAngstroms.y, z: object.centroidInAngstroms.z,
                    className: object.class, tomogramName: record.name, score: object.confidence,
                    radiusInAngstroms: object.radiusInAngstroms)
            }
            try PointFile.write(
                PointSet(points: points, convention: .angstrom), to: target.output, convention: convention, voxelSize: voxelSize,
                shape: shape)
            print("\(target.output): \(points.count) points")
        }
    }

    private static func convention(_ word: String) throws -> CoordinateConvention {
        guard let convention = CoordinateConvention(rawValue: word) else {
            let words = CoordinateConvention.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("'\(word)' is no convention of coordinates; it is one of \(words)")
        }
        return convention
    }
}
