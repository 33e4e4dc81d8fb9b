import Cellpose
import Foundation
import ImageProcessing
import Volumes

/// How well the weight-free splitter, or a network of CellPose, tells membranes from macromolecules on true masks of simulated
/// tomograms, all classes in one.
///
///     cellar simulate FOLDER --tomograms 6 --seed 101 --size 512,512,64
///     splitter-quality [--cellpose FILE] [--dilate] [--diameters SMALLEST,LARGEST] [--membrane THICKNESS] FOLDER/truth/*_labels.mrc
///     splitter-quality --time SIDE,SLICES FOLDER/truth/tomo_01_labels.mrc
///
/// Lengths are in Å. With --dilate masks are dilated by a pixel, so that neighbours touch, as they do in what a network
/// segments; membranes are then compared with dilated truth. --time repeats the mask to a slab of that size.
@main
struct SplitterQuality {
    var paths: [String] = []
    var dilates = false
    var diameters = 110.0...260.0
    var membrane = 48.0
    var cellpose: CellposeModel?
    var slab: (side: Int, slices: Int)?

    static func main() throws {
        var program = SplitterQuality()
        var arguments = CommandLine.arguments.dropFirst()
        func numbers() -> [Double] { (arguments.popFirst() ?? "").split(separator: ",").compactMap { Double($0) } }
        while let argument = arguments.popFirst() {
            switch argument {
            case "--cellpose": program.cellpose = try CellposeModel(path: arguments.popFirst() ?? "")
            case "--dilate": program.dilates = true
            case "--diameters":
                let values = numbers()
                if values.count == 2, values[0] <= values[1] { program.diameters = values[0]...values[1] }
            case "--membrane": program.membrane = numbers().first ?? program.membrane
            case "--time":
                let values = numbers()
                if values.count == 2 { program.slab = (Int(values[0]), Int(values[1])) }
            default: program.paths.append(argument)
            }
        }
        guard !program.paths.isEmpty else {
            print(
                "usage: splitter-quality [--cellpose FILE] [--dilate] [--diameters SMALLEST,LARGEST] [--membrane THICKNESS] LABELS.mrc…"
            )
            exit(2)
        }
        if let slab = program.slab { try program.time(side: slab.side, slices: slab.slices) } else { try program.measure() }
    }

    private func measure() throws {
        print(QualityRow.header)
        var rows: [QualityRow] = []
        for path in paths {
            let truth = try Truth(labels: path)
            let masks = truth.masks(dilated: dilates) { $0 > 0 }
            let parameters = try SplitSlab.Parameters(
                diameters: diameters, membrane: membrane, voxelSize: truth.voxelSize, cellpose: cellpose)
            let slab = try SplitSlab(masks, parameters, threads: 2)
            let row = QualityRow(truth, slab, membrane: truth.masks(dilated: dilates) { $0 == Truth.membrane })
            print(row.markdown)
            rows.append(row)
            fflush(nil)
        }
        if rows.count > 1 { print(QualityRow.mean(rows)) }
    }

    private func time(side: Int, slices: Int) throws {
        let truth = try Truth(labels: paths[0])
        let parameters = try SplitSlab.Parameters(
            diameters: diameters, membrane: membrane, voxelSize: truth.voxelSize, cellpose: cellpose)
        let masks = (0..<slices).compactMap { truth.slice($0, side: side) }.map { $0.map { $0 > 0 } }
        let filled = masks.reduce(0) { $0 + $1.foregroundCount }
        for threads in [1, 2] {
            let before = clock()
            let slab = try SplitSlab(masks, parameters, threads: threads)
            print(
                "\(slices) slices of \(side) x \(side), \(100 * filled / (side * side * max(1, slices))) % foreground,",
                "\(threads) threads: \(String(format: "%.2f", slab.seconds)) s, processor",
                String(format: "%.2f s,", Double(clock() - before) / Double(CLOCKS_PER_SEC)),
                "\(slab.particles.objects.count) particles")
        }
    }
}
