import ArgumentParser
import CellarKit

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
        if output == nil, !explain { throw ValidationError("--output names the picture to write; give it.") }
        guard curves else { return }
        if z != nil || step != nil || overview || explain || labels {
            throw ValidationError("--curves are of a training set, which has no slices: leave out the other options.")
        }
        if let output, !DrawingFile.isSupported(output) {
            throw ValidationError("'\(output)' ends in neither .png nor .svg; give a name that ends in one of them.")
        }
    }

    func run() throws {
        let project = try catalogOptions.open()
        if explain {
            let tomogram = try project.catalog.collection.tomogram(named: target)
            for line in try SliceExplanation(project.catalog, tomogram: tomogram, z: z).lines { print(line) }
        }
        guard let output else { return }
        let file = try writingOptions.file(output, knownTo: project.directory)
        if curves {
            let set = try project.catalog.collection.trainingSet(named: target)
            let sheet = try TrainingCurvesFigure(of: set, in: project.catalog).sheet
            try DrawingFile.write(sheet.drawing(), to: file)
            print("\(output): \(sheet.rows.joined().count) plots")
            return
        }
        let content: PictureRequest.Content = overview ? .overview : step.map { .step($0) } ?? (labels ? .labels : .plain)
        let picture = try PictureRequest(target, content, z: z).picture(
            from: project.catalog, graph: project.graph, store: project.store())
        try PNGFile.write(picture, to: file)
        print("\(output): \(picture.width) × \(picture.height) pixels")
    }
}
