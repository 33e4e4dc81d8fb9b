public import ArgumentParser
public import CellarKit

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write results as files that other programs read.",
        discussion: """
            cellar export labels TS_0008 --output labels.mrc           classes of voxels, for IMOD, napari, ChimeraX
            cellar export labels TS_0008 --objects --output objects.mrc
            cellar export labels TS_0008 --thickness 60 --output labels.mrc      membranes 60 Å thick
            cellar export labels TS_0008 --output labels.zarr          OME-Zarr, for napari, neuroglancer, copick
            cellar export points TS_0008 --output particles.star       RELION 5; .csv, .json (copick), .ndjson (portal)
            cellar export map TS_0008 --output map.mrc                 the feature map
            cellar export map TS_0008 --step segment --class ribosome --output ribosome.mrc
            cellar export mesh TS_0008 --output m.glb                    surfaces in Å, for ChimeraX, Blender
            cellar export tomogram TS_0008 --output TS_0008.zarr       the tomogram itself
            cellar export network first --step train-membrane --output membrane.safetensors
            cellar export copick config.json --dataset chlamy          picks and segmentations, into a copick project

            Labels and points are those of the trained networks where there are any, and else pseudo-labels; --step chooses. \
            Volumes have the size and the voxel size of the tomogram, and are MRC files, or OME-Zarr images (version 0.4, with two \
            lower resolutions) where the name ends with .zarr; slices that no slab covers are 0. Where slabs overlap, the \
            one that was added first counts. Objects are numbered from 1 in each slab (scope_id in v_object).

            Written are the results that stand, by the voxel size with which they were computed. It is printed which run gave them, \
            and whether they are stale. A file that is there is replaced with --force only; of folders, only a zarr image.
            """,
        subcommands: [
            Labels.self, Points.self, Map.self, Mesh.self, Tomogram.self, Network.self, Copick.self,
        ])

    struct Labels: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the classes of voxels as a volume of integers, MRC or OME-Zarr.",
            discussion: """
                Pseudo-labels are 1 membrane, 2 macromolecule, 3 neither. A segmentation has the classes of its network, whose \
                numbers are printed. 0 is ground.

                With --thickness, membranes of a segmentation are drawn anew, as all voxels within half of it of their centre \
                surface, \
                whatever the thickness that the network gave them; no network runs. Other classes stay as they are, and win over \
                membranes. The recipe's centre-surface.classes says which classes are membranes, and membrane.thickness at which \
                thickness they are measured and compared.
                """)

        @Option(help: "Whose labels: those of the step segment, where it has a result, and else pseudo-labels.")
        var step: ExportedLabels?

        @Flag(help: "Write the number that each object has in v_object instead of its class; of pseudo-labels only.")
        var objects = false

        @Option(
            help: ArgumentHelp(
                "The full width in Å at which membranes of a segmentation are drawn; as the network found them, if not given.",
                valueName: "Å"))
        var thickness: RealNumber<SheetThickness>?

        @OptionGroup var target: ExportTarget

        func validate() throws {
            if objects, step == .segmentation {
                throw ValidationError("--objects are those of pseudo-labels; leave it out, or give --step pseudo-labels.")
            }
            if thickness != nil, objects || step == .pseudoLabels {
                throw ValidationError(
                    "--thickness is for the membranes of a segmentation; leave it out, or give --step segment without --objects.")
            }
        }

        func run() throws {
            try target.writeVolume { project, output in
                try project.exportLabels(
                    of: target.target, from: step, numbersObjects: objects, thicknessInAngstroms: thickness?.value,
                    to: output)
            }
        }
    }

    struct Map: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a map as a volume of float32, 0 to 1: the feature map, or the probability of a class.")

        @Option(help: "Whose map: the feature map, structures bright, or the probability of a class.")
        var step = ExportedMap.features

        @Option(
            name: .customLong("class"),
            help: ArgumentHelp("The class whose probability is written; needed where there are several.", valueName: "name"))
        var className: String?

        @Option(
            help: """
                What of a class is written: its probability, or how far averaged networks and copies of blocks differ about it, as their \
                standard deviation.
                """)
        var what: ExportedMap.Quantity?

        @OptionGroup var target: ExportTarget

        func validate() throws {
            if className != nil || what != nil, step != .segmentation {
                throw ValidationError("A feature map has no classes; --class and --what need --step segment.")
            }
        }

        func run() throws {
            try target.writeVolume { project, output in
                try project.exportMap(of: target.target, step, what ?? .probability, class: className, to: output)
            }
        }
    }

    struct Tomogram: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the tomogram itself, MRC or OME-Zarr, for programs that do not read its format.",
            discussion: """
                The voxels keep their values and their type, as far as the format has it. The voxel size is the one that the catalog \
                knows.
                """)

        @OptionGroup var target: ExportTarget

        func run() throws {
            try target.writeVolume { project, output in try project.exportTomogram(target.target, to: output) }
        }
    }

    struct Points: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Write the centres of particles: STAR (RELION 5), CSV, copick's JSON, or the CryoET Data Portal's ndjson, by the file's extension.",
            discussion: """
                Left out is what people rejected, and written what they added, with a confidence of 1 (`cellar curate`). What they \
                accepted is written whatever its confidence.
                """)

        @Option(help: "Whose particles: those of the step pick, where it has a result, and else pseudo-labels.")
        var step: ExportedPoints?

        @Option(name: .customLong("class"), help: ArgumentHelp("Only objects of this class.", valueName: "name"))
        var className: String?

        @Option(
            help: ArgumentHelp(
                "Only objects of at least this confidence, 0 to 1; objects without one are left out then.", valueName: "number"))
        var leastConfidence: RealNumber<Confidence>?

        @Option(
            help: ArgumentHelp(
                "Only particles of the kind of this name, which is their class in the file (`cellar kind`).", valueName: "name"))
        var kind: String?

        @Option(
            help: ArgumentHelp(
                "What coordinates mean: \(CoordinateConvention.allCases.map(\.rawValue).joined(separator: ", ")).",
                valueName: "convention"),
            transform: ExportCommand.convention)
        var convention: CoordinateConvention?

        @Flag(help: "Write particles as they were found: also those that people rejected, and none that they added.")
        var uncurated = false

        @OptionGroup var target: ExportTarget

        func run() throws {
            try target.write { project, file in
                try project.exportPoints(
                    of: target.target, from: step, class: className,
                    leastConfidence: leastConfidence?.value, kind: kind, isCurated: !uncurated, convention: convention,
                    to: file)
            }
        }
    }

    struct Network: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a trained network as a safetensors file, for PyTorch and others.",
            discussion: "The file's metadata says what the network is like, and what it was trained on.")

        @Argument(help: "A training set: its name, or id:N.")
        var set: String

        @Option(help: "The step that trained the network.")
        var step: ExportedNetwork

        @Option(help: ArgumentHelp("The file to write.", valueName: "file.safetensors"))
        var output: String

        @OptionGroup var writingOptions: WritingOptions
        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            let project = try catalogOptions.open()
            let file = try writingOptions.file(output, knownTo: project.directory)
            try project.exportNetwork(trainedOn: set, by: step, to: file).report(as: output)
        }
    }

    struct Copick: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write particles and classes of voxels into the overlay of a copick project.",
            discussion: """
                Particles become picks (user_session_object.json, in Å), classes a multilabel segmentation (OME-Zarr) with the labels \
                of the project's objects. The run is the one that the tomogram came from, or its name. A class is the object of its \
                name, in which copick has - for blanks, underscores and <>:"/\\|?*; an object that --add-objects makes for a class \
                keeps the class's own name in its metadata (cellar_class), by which `cellar add --copick` reads it back.
                """)

        @Argument(help: ArgumentHelp("The configuration of a copick project on disk.", valueName: "config.json"))
        var config: String

        @Argument(help: "Tomograms: names, dataset/name, or id:N.")
        var targets: [String] = []

        @Option(help: "All tomograms of this dataset that have results.")
        var dataset: String?

        @Option(help: ArgumentHelp("Whose results these are, in copick's names of files.", valueName: "name"))
        var user = CopickSession().userID

        @Option(help: ArgumentHelp("The session, in copick's names of files.", valueName: "name"))
        var session = CopickSession().sessionID

        @Option(
            help:
                "Which results, any number of times; those of the trained networks where there are any, and else pseudo-labels, if not given."
        )
        var step: [ExportedCopick] = []

        @Option(
            help: ArgumentHelp(
                "Write a configuration with the objects that this one lacks to a new file.", valueName: "new.json"))
        var addObjects: String?

        @Flag(help: "Write particles as they were found: also those that people rejected, and none that they added.")
        var uncurated = false

        @OptionGroup var progressOptions: ProgressOptions
        @OptionGroup var writingOptions: WritingOptions
        @OptionGroup var catalogOptions: CatalogOptions

        func validate() throws {
            guard targets.isEmpty != (dataset == nil) else {
                throw ValidationError("There are no tomograms, or a dataset as well; give either tomograms or --dataset.")
            }
        }

        func run() throws {
            let project = try catalogOptions.open()
            var names = targets
            if let dataset {
                names = try project.catalog.collection.tomograms(inDataset: dataset).compactMap { $0.id.map { "id:\($0)" } }
                guard !names.isEmpty else {
                    throw CatalogError(
                        .notFound, "there is no tomogram in a dataset \(dataset); `cellar list datasets` shows what there is")
                }
            }
            var export = CopickExport(configuration: config)
            export.session = CopickSession(userID: user, sessionID: session)
            (export.sources, export.extendedConfiguration, export.isCurated) = (step, addObjects, !uncurated)
            let line = progressOptions.line("export")
            let report = try project.exportCopick(
                of: names, export, to: writingOptions.files(at: config, knownTo: project.directory)
            ) { line.show($0.path) }
            line.clear()
            for file in report.files { file.export.report(as: file.path) }
            for remark in report.remarks { note(remark) }
        }
    }

    private static func convention(_ word: String) throws -> CoordinateConvention {
        guard let convention = CoordinateConvention(rawValue: word) else {
            let words = CoordinateConvention.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("'\(word)' is no convention of coordinates; give one of \(words).")
        }
        return convention
    }
}

/// Whose results are written, and where.
struct ExportTarget: ParsableArguments {
    @Argument(help: "A tomogram: its name, dataset/name, or id:N.")
    var target: String

    @Option(help: ArgumentHelp("The file to write.", valueName: "file"))
    var output: String

    @OptionGroup var writingOptions: WritingOptions
    @OptionGroup var catalogOptions: CatalogOptions

    /// Opens the project, and says what a closure wrote to the volume: OME-Zarr where the name ends with .zarr, and else MRC.
    ///
    /// - Throws: ``VolumeError`` where it must not be written.
    func writeVolume(_ export: (Project, VolumeOutput) throws -> Export) throws {
        let project = try catalogOptions.open()
        let files = try writingOptions.files(at: output, knownTo: project.directory)
        try export(project, files.volume(output)).report(as: output)
    }

    /// Opens the project, and says what a closure wrote to the file.
    ///
    /// - Throws: ``VolumeError`` where the file must not be written.
    func write(_ export: (Project, OutputFile) throws -> Export) throws {
        let project = try catalogOptions.open()
        try export(project, writingOptions.file(output, knownTo: project.directory)).report(as: output)
    }
}

extension Export {
    /// Prints what the file holds, which results these are, and what is not fresh of them.
    fileprivate func report(as path: String) {
        print("\(path): \(contents)")
        guard let results else { return }
        print("  \(results.summary)")
        for remark in results.remarks { note(remark) }
    }
}

/// A source is written as the name of its step.
extension ExportedMap.Quantity: ExpressibleByArgument {}

extension ExpressibleByArgument where Self: ResultSource {
    public init?(argument: String) {
        guard let source = Self.allCases.first(where: { $0.step == argument }) else { return nil }
        self = source
    }

    public static var allValueStrings: [String] { allCases.map(\.step) }
    public var defaultValueDescription: String { step }
}

extension ExportedLabels: ExpressibleByArgument {}
extension ExportedMap: ExpressibleByArgument {}
extension ExportedPoints: ExpressibleByArgument {}
extension ExportedNetwork: ExpressibleByArgument {}
extension ExportedCopick: ExpressibleByArgument {}
