import ArgumentParser
import Basics
import BlobStore
import CellarKit
import Foundation
import Rendering

struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Draw a slice of a tomogram or of a result, or how training went.",
        discussion: """
            cellar show TS_0008 --z 250 --output slice.png
            cellar show TS_0008 --z 250 --step prepare --output prepared.png
            cellar show TS_0008 --z 250 --step mask --output mask.png
            cellar show TS_0008 --z 250 --overview --output overview.png
            cellar show TS_0008 --z 250 --explain
            cellar show TS_0008 --z 250 --step segment --output segmentation.png
            cellar show TS_0008 --z 250 --step pick --output particles.png
            cellar show first --curves --output curves.svg

            The step eigenvectors gives a sheet of all eigenvectors, a row for each tile; --overview the prepared slice, its feature \
            map, the mask and what split told apart side by side; split and pseudo-labels draw membranes, each particle in a colour \
            of its own, and what is neither; --explain says which eigenvectors were merged, and why the others were not. segment \
            lays the classes that the network found over any slice of the tomogram, and pick the circles in which particles cut \
            it. --curves draws the losses and the Dice of a training set by epoch, of the networks that are being trained or \
            else of those that stand.
            """)

    @Argument(
        help: ArgumentHelp(
            "A tomogram (its name, dataset/name, or id:N), an artifact (the first digits of its digest, or digest:DIGITS), or with "
                + "--curves a training set (its name, or id:N)."))
    var target: String

    @Option(
        name: .customLong("z"),
        help: ArgumentHelp("The slice, counted from 0; the middle one, if not given.", valueName: "z"))
    var sliceNumber: WholeNumber<0, 2_147_483_647>?

    @Option(help: ArgumentHelp("Draw what this step gave for the slice, instead of the tomogram.", valueName: "step"))
    var step: String?

    @Flag(help: "Draw the prepared slice, its feature map, the mask and what split told apart side by side.")
    var overview = false

    @Flag(help: "Say how the slice's feature map came about; draws nothing unless --output is given.")
    var explain = false

    @Flag(help: "Lay the tomogram's label annotations over the slice.")
    var labels = false

    @Flag(help: "Draw how the losses and the Dice of a training set went, as a PNG or an SVG.")
    var curves = false

    @Option(help: ArgumentHelp("The picture to write: a PNG, or of curves also an SVG.", valueName: "file.png"))
    var output: String?

    @OptionGroup var writingOptions: WritingOptions
    @OptionGroup var catalogOptions: CatalogOptions

    private var z: Int? { sliceNumber?.value }

    func validate() throws {
        if output == nil, !explain { throw ValidationError("--output names the picture to write.") }
        guard curves else { return }
        if z != nil || step != nil || overview || explain || labels {
            throw ValidationError("--curves are of a training set, which has no slices: leave out the other options.")
        }
        if let output, !DrawingFile.isSupported(output) {
            throw ValidationError("'\(output)' ends in neither .png nor .svg.")
        }
    }

    func run() throws {
        let workspace = try catalogOptions.open()
        if explain {
            let results = try SliceResults(workspace, tomogram: workspace.catalog.collection.tomogram(named: target), z: z)
            for line in try results.explanation() { print(line) }
        }
        guard let output else { return }
        let file = try writingOptions.file(output, knownTo: workspace.directory)
        if curves {
            let set = try workspace.catalog.collection.trainingSet(named: target)
            let panels = try CurvePanels(workspace.catalog.results.curves(of: set), ofTrainingSet: set.name)
            try DrawingFile.write(panels.sheet.drawing(), to: file)
            print("\(output): \(panels.sheet.rows.joined().count) plots")
            return
        }
        let picture =
            switch try subject(workspace) {
            case .tomogram(let record): try drawTomogram(record, workspace)
            case .artifact(let digest):
                try draw(
                    workspace.store().open(digest), named: nil, caption: SliceCaption(name: "artifact \(digest.abbreviated)"))
            }
        try PNGFile.write(picture, to: file)
        print("\(output): \(picture.width) × \(picture.height) pixels")
    }

    private enum Subject {
        case tomogram(TomogramRecord)
        case artifact(Digest)
    }

    /// What is to be drawn: a tomogram by its name, or an artifact by its digest.
    ///
    /// - Throws: ``CatalogError`` where it could be both, or is neither.
    private func subject(_ workspace: Workspace) throws -> Subject {
        // Of an artifact there are no steps.
        let digest = step == nil && !overview && !labels ? try artifactDigest(workspace) : nil
        do {
            let record = try workspace.catalog.collection.tomogram(named: target)
            guard let digest else { return .tomogram(record) }
            throw CatalogError(
                .ambiguous,
                "\(target) can mean the tomogram \(record.name) (\(CatalogReference.idPrefix)\(record.id ?? 0)) or the artifact "
                    + "\(digest.abbreviated) (\(CatalogReference.digestPrefix)\(digest.abbreviated)); write what is in brackets")
        } catch let error as CatalogError where error.code == .notFound {
            if let digest { return .artifact(digest) }
            guard let set = try? workspace.catalog.collection.trainingSet(named: target) else { throw error }
            throw CatalogError(.notFound, "\(set.name) is a training set, of which --curves can be drawn, and no tomogram")
        }
    }

    private func drawTomogram(_ record: TomogramRecord, _ workspace: Workspace) throws -> RGBImage {
        guard let id = record.id else { throw CatalogError(.notFound, "there is no tomogram \(target)") }
        if overview || ["eigenvectors", "feature-map", "mask", "split", "pseudo-labels"].contains(step) {
            let results = try SliceResults(workspace, tomogram: record, z: z)
            switch step {
            case _ where overview: return try results.overview()
            case "eigenvectors": return try results.eigenvectors()
            case "feature-map": return try results.featureMap()
            case "split": return try results.split()
            case "pseudo-labels": return try results.pseudoLabels()
            default: return try results.mask()
            }
        }
        if let step, VolumeResults.steps.contains(step) {
            return try VolumeResults(workspace.catalog, store: workspace.store(), tomogram: record, z: z).picture(of: step)
        }
        let voxelSize = try workspace.catalog.collection.effectiveVoxelSize(ofTomogram: id)
        if let step {
            let position = try z ?? workspace.catalog.collection.firstSlice(ofTomogram: id)
            let digest = try artifactDigest(ofStep: step, tomogramID: id, z: position, workspace)
            return try draw(
                workspace.store().open(digest), named: "slice",
                caption: SliceCaption(name: "\(record.name), \(step)", z: position, voxelSize: voxelSize))
        }
        let volume = try record.location.open()
        let position = z ?? volume.shape.z / 2
        var overlay: LabelImage?
        if labels {
            guard let location = try workspace.catalog.collection.labelLocation(ofTomogram: id) else {
                throw CatalogError(
                    .invalid, "\(target) has no label annotation; `cellar annotate \(target) --labels FILE` adds one")
            }
            overlay = LabelImage(try location.open().readSlice(z: position))
        }
        return try SliceRendering()(
            volume.readSlice(z: position), labels: overlay,
            caption: SliceCaption(name: record.name, z: position, voxelSize: voxelSize))
    }

    /// The artifact that a step on slices gave for one of them, or a step on tomograms for the whole.
    private func artifactDigest(ofStep step: String, tomogramID: Int64, z: Int?, _ workspace: Workspace) throws -> Digest {
        let index = try workspace.graph.index(of: step)
        let declared = workspace.graph.steps[index]
        guard
            let output = declared.outputs.first(where: { output in
                if case .artifact = output.kind { true } else { false }
            })
        else { throw EngineError(.unknownStep, "the step \(step) gives numbers only; `cellar list tomograms` shows them") }
        let scopeID: Int64? =
            switch declared.scope {
            case .tomogram: tomogramID
            case .slice: try z.flatMap { try workspace.catalog.collection.sliceID(ofTomogram: tomogramID, z: $0) }
            case .slab, .annotation, .trainingSet: nil
            }
        guard let scopeID,
            let digest = try workspace.catalog.results.standingArtifact(step: step, scopeID: scopeID, output: output.name)
        else {
            let slice = z.map { " for slice \($0)" } ?? ""
            throw CatalogError(
                .invalid,
                "\(step) of \(target) has no result\(slice) at hand; `cellar slab add` picks slices, `cellar run --until \(step)` computes it"
            )
        }
        return digest
    }

    private func artifactDigest(_ workspace: Workspace) throws -> Digest? {
        let isNamed = target.hasPrefix(CatalogReference.digestPrefix)
        let prefix = (isNamed ? target.dropFirst(CatalogReference.digestPrefix.count) : target[...]).lowercased()
        guard prefix.count >= 6, prefix.allSatisfy(\.isHexDigit) else {
            guard isNamed else { return nil }
            throw CatalogError(.invalid, "\(target) is no digest: write at least six of its digits, 0 to 9 and a to f")
        }
        let matches = try workspace.catalog.results.artifacts().filter {
            $0.state == .present && $0.digest.hexadecimal.hasPrefix(prefix)
        }
        guard matches.count <= 1 else {
            throw CatalogError(.ambiguous, "\(matches.count) artifacts begin with \(target); give more digits")
        }
        return matches.first?.digest
    }

    /// Draws a two-dimensional dataset, or a slice of a three-dimensional one: the one that is named, or the first.
    private func draw(_ artifact: Artifact, named name: String?, caption: SliceCaption) throws -> RGBImage {
        let pictures = artifact.datasets.filter { $0.shape.count == 2 || $0.shape.count == 3 }
        guard let dataset = pictures.first(where: { $0.name == name }) ?? pictures.first else {
            throw CatalogError(.invalid, "the artifact \(artifact.digest.abbreviated) of kind \(artifact.kind) holds no picture")
        }
        let depth = dataset.shape.count == 3 ? dataset.shape[0] : 1
        let position = dataset.shape.count == 3 ? z ?? depth / 2 : 0
        guard (0..<depth).contains(position),
            let shape = VolumeShape(z: 1, y: dataset.shape[dataset.shape.count - 2], x: dataset.shape[dataset.shape.count - 1])
        else { throw CatalogError(.invalid, "the artifact has \(depth) slices, and no slice \(position)") }
        let rows = dataset.shape.count == 3 ? position..<position + 1 : 0..<dataset.shape[0]
        let slice = try VoxelBuffer(shape: shape, scalarType: dataset.scalarType) {
            try artifact.readRows(dataset.name, rows, into: $0)
        }
        return try SliceRendering()(slice, caption: caption)
    }
}
