import ArgumentParser
import Basics
import CellarKit

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write results as files that other programs read.",
        discussion: """
            cellar export labels TS_0008 --output labels.mrc           classes of voxels, for IMOD, napari, ChimeraX
            cellar export labels TS_0008 --objects --output objects.mrc
            cellar export points TS_0008 --output particles.star       RELION 5; .csv and .json (copick) as well
            cellar export map TS_0008 --output map.mrc                 the feature map
            cellar export map TS_0008 --step segment --class ribosome --output ribosome.mrc
            cellar export network first --step train-membrane --output membrane.safetensors

            Labels and points are those of the trained networks where there are any, and else pseudo-labels; --step chooses. \
            Volumes have the size and the voxel size of the tomogram; slices that no slab covers are 0. Where slabs overlap, the \
            one that was added first counts. Objects are numbered from 1 in each slab (scope_id in v_object).

            Written are the results that stand, by the voxel size with which they were computed. It is printed which run gave them, \
            and whether they are stale. A file that is there is replaced with --force only.
            """,
        subcommands: [Labels.self, Points.self, Map.self, Network.self])

    struct Labels: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the classes of voxels as an MRC volume of integers.",
            discussion: """
                Pseudo-labels are 1 membrane, 2 macromolecule, 3 neither. A segmentation has the classes of its network, whose \
                numbers are printed. 0 is ground.
                """)

        /// Whose labels are written.
        enum Source: String, CaseIterable, ExpressibleByArgument {
            case segment
            case pseudoLabels = "pseudo-labels"
        }

        @Option(help: "Whose labels: those of the step segment, where it has a result, and else pseudo-labels.")
        var step: Source?

        @Flag(help: "Write the number that each object has in v_object instead of its class; of pseudo-labels only.")
        var objects = false

        @OptionGroup var target: ExportTarget

        func validate() throws {
            if objects, step == .segment { throw ValidationError("--objects are those of pseudo-labels; segment has none.") }
        }

        func run() throws {
            let export = try target.volume()
            let segmentation = try objects || step == .pseudoLabels ? nil : export.artifact(of: "segment", "labels")
            if let segmentation {
                let classes = try ClassList(segmentation)
                let results = try export.writeVolume(
                    segmentation, step: "segment", dataset: "labels", scalarType: .uint8, label: "labels by segment")
                print("\(target.output): \(export.shape), segment: \(classes.sentence)")
                results.report()
                return
            }
            if step == .segment { throw export.missing("segment") }
            let (count, results) = try export.writeSlabs(
                step: "pseudo-labels", output: "labels", dataset: objects ? "objects" : "classes",
                scalarType: objects ? .float32 : .uint8)
            print("\(target.output): \(export.shape), pseudo-labels of \(count) slab\(count == 1 ? "" : "s")")
            results.report()
        }
    }

    struct Map: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a map as an MRC volume of float32, 0 to 1: the feature map, or the probability of a class.")

        /// Whose map is written.
        enum Source: String, CaseIterable, ExpressibleByArgument {
            case consistency, segment
        }

        @Option(help: "Whose map: the feature map, structures bright, or the probability of a class.")
        var step = Source.consistency

        @Option(
            name: .customLong("class"),
            help: ArgumentHelp("The class whose probability is written; needed where there are several.", valueName: "name"))
        var className: String?

        @OptionGroup var target: ExportTarget

        func validate() throws {
            if className != nil, step != .segment {
                throw ValidationError("A feature map has no classes; --class needs --step segment.")
            }
        }

        func run() throws {
            let export = try target.volume()
            guard step == .segment else {
                let (count, results) = try export.writeSlabs(
                    step: "consistency", output: "maps", dataset: "maps", scalarType: .float32)
                print("\(target.output): \(export.shape), feature map of \(count) slab\(count == 1 ? "" : "s")")
                results.report()
                return
            }
            let name = export.tomogram.name
            guard let probability = try export.artifact(of: "segment", "probability") else {
                guard try export.catalog.results.hasResult(step: "segment", scopeID: export.id) else {
                    throw export.missing("segment")
                }
                throw CatalogError(
                    .invalid,
                    "the probabilities of \(name) were dropped by `cellar gc` to save disk; they come back when `cellar run` segments "
                        + "it anew")
            }
            let classes = try ClassList(probability)
            let number = try classes.label(of: className, in: "the segmentation of \(name)")
            let results = try export.writeVolume(
                probability, step: "segment", dataset: "class_\(number)", scalarType: .float32, scale: 1 / 255,
                label: "probability of \(classes.names[number - 1])")
            print("\(target.output): \(export.shape), probability of \(classes.names[number - 1])")
            results.report()
        }
    }

    struct Points: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the centres of particles: STAR (RELION 5), CSV, or copick's JSON, by the file's extension.")

        /// Whose points are written.
        enum Source: String, CaseIterable, ExpressibleByArgument {
            case pick
            case pseudoLabels = "pseudo-labels"
        }

        @Option(help: "Whose particles: those of the step pick, where it has a result, and else pseudo-labels.")
        var step: Source?

        @Option(name: .customLong("class"), help: ArgumentHelp("Only objects of this class.", valueName: "name"))
        var className: String?

        @Option(
            help: ArgumentHelp(
                "Only objects of at least this confidence, 0 to 1; objects without one are left out then.", valueName: "number"))
        var leastConfidence: RealNumber<Confidence>?

        @Option(
            help: ArgumentHelp(
                "What coordinates mean: \(CoordinateConvention.allCases.map(\.rawValue).joined(separator: ", ")).",
                valueName: "convention"),
            transform: ExportCommand.convention)
        var convention: CoordinateConvention?

        @OptionGroup var target: ExportTarget

        func run() throws {
            let export = try target.volume()
            let record = export.tomogram
            let source = try source(export)
            let results =
                try source == .pick ? export.results(of: source.rawValue) : export.slabResults(of: source.rawValue)
            guard let voxelSize = results.voxelSize else {
                throw CatalogError(
                    .invalid, "\(record.name) has no voxel size, which points need; add it again with --voxel-size")
            }
            let found =
                switch source {
                case .pick: try export.catalog.results.objects(ofTomogram: export.id, step: "pick", class: className)
                case .pseudoLabels:
                    try export.catalog.results.distinctObjects(ofTomogram: export.id, voxelSize: voxelSize, class: className)
                }
            // Particles have a radius; a piece of membrane has no centre that anybody would look for.
            let objects = found.filter { object in
                (className != nil || object.radiusInAngstroms != nil)
                    && leastConfidence.map { $0.value <= object.confidence ?? -.infinity } ?? true
            }
            let points = objects.map { object in
                PickedPoint(
                    x: object.centroidInAngstroms.x, y: object.centroidInAngstroms.y, z: object.centroidInAngstroms.z,
                    className: object.class, tomogramName: record.name, score: object.confidence,
                    radiusInAngstroms: object.radiusInAngstroms)
            }
            try PointFile.write(
                PointSet(points: points, convention: .angstrom), to: export.output, convention: convention, voxelSize: voxelSize,
                shape: export.shape)
            print("\(target.output): \(points.count) points of \(source.rawValue)")
            results.report()
        }

        /// The step that is asked for, or else the first that has a result.
        private func source(_ export: VolumeExport) throws -> Source {
            func hasResult(_ source: Source) throws -> Bool {
                switch source {
                case .pick: try export.catalog.results.hasResult(step: "pick", scopeID: export.id)
                case .pseudoLabels:
                    try export.catalog.collection.slabs(ofTomogram: export.id).contains { slab in
                        try slab.id.map { try export.catalog.results.hasResult(step: "pseudo-labels", scopeID: $0) } ?? false
                    }
                }
            }
            let wanted = step.map { [$0] } ?? Source.allCases
            guard let source = try wanted.first(where: hasResult) else {
                throw export.missing((step ?? .pseudoLabels).rawValue)
            }
            return source
        }
    }

    struct Network: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a trained network as a safetensors file, for PyTorch and others.",
            discussion: "The file's metadata says what the network is like, and what it was trained on.")

        /// Whose network is written.
        enum Source: String, CaseIterable, ExpressibleByArgument {
            case membrane = "train-membrane"
            case particles = "train-particles"
        }

        @Argument(help: "A training set: its name, or id:N.")
        var set: String

        @Option(help: "The step that trained the network.")
        var step: Source

        @Option(help: ArgumentHelp("The file to write.", valueName: "file.safetensors"))
        var output: String

        @OptionGroup var writingOptions: WritingOptions
        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            let workspace = try catalogOptions.open()
            let file = try writingOptions.file(output, knownTo: workspace.directory)
            let set = try workspace.catalog.collection.trainingSet(named: set)
            let artifact = try NetworkExport.artifact(
                of: set, step: step.rawValue, workspace.catalog, workspace.store())
            let tensors = try NetworkExport.write(artifact, to: file)
            let classes = try ClassList(artifact)
            print("\(output): \(tensors.count) tensors, classes \(classes.sentence)")
            try NetworkExport.results(of: set, step: step.rawValue, workspace)?.report()
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
