import ArgumentParser
import CellarKit
import Foundation

extension ExportCommand {
    struct Mesh: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write classes as surfaces and particles as balls, as a binary glTF file (.glb) in Å.",
            discussion: """
                A class whose particles are known with their radius is drawn as balls, any other as the surface of its \
                voxels: those of the segmentation where there is one, and else of pseudo-labels; with --annotation, those of \
                annotations. Each class is a mesh with its name and colour.

                Coordinates are in Å from the centre of the first voxel, along the axes x, y, z of the tomogram. Surfaces \
                are closed, also where the tomogram ends. The mask of a class is smoothed by a Gaussian, whose σ is one \
                voxel unless --smooth gives it: what is thinner than 1.35 σ vanishes. Where there would be more than \
                --triangles, surfaces are drawn on a coarser grid, and thin membranes may get holes; it is printed which \
                grid it was.
                """)

        @Option(
            name: .customLong("class"),
            help: ArgumentHelp("Only this class, any number of times; all classes, if not given.", valueName: "name"))
        var classNames: [String] = []

        @Option(
            help: ArgumentHelp("σ of the Gaussian by which masks are smoothed; one voxel, if not given.", valueName: "Å"))
        var smooth: RealNumber<MeshSmoothing>?

        @Option(help: "The most triangles of all surfaces and balls together.")
        var triangles: WholeNumber<1000, 100_000_000> = 1_000_000

        @Flag(help: "What people annotated, instead of what was found.")
        var annotation = false

        @OptionGroup var target: ExportTarget

        func validate() throws {
            guard URL(fileURLWithPath: target.output).pathExtension.lowercased() == "glb" else {
                throw ValidationError("Meshes are written as binary glTF: give --output a name that ends with .glb.")
            }
        }

        func run() throws {
            let project = try target.catalogOptions.open()
            let file = try target.writingOptions.file(target.output, knownTo: project.directory)
            let mesh = try project.exportMesh(
                of: target.target, classes: classNames, smoothing: smooth?.value, triangles: triangles.value,
                source: annotation ? .annotation : .results, to: file)
            print("\(target.output): \(mesh.contents)")
            for results in mesh.results { print("  \(results.summary)") }
            for remark in mesh.results.flatMap(\.remarks) + mesh.remarks { note(remark) }
        }
    }
}

/// σ of the Gaussian by which masks are smoothed before surfaces are drawn, in Å.
enum MeshSmoothing: RealQuantity { static let range = Project.smoothingRange }
