import Basics
import Catalog
import CatalogSchema
import Foundation
import Pipeline

/// A station on the way from an empty catalog to results that others can use.
public struct TourStop: Sendable, Hashable {
    /// How far a catalog is.
    public enum State: Sendable, Hashable {
        /// The catalog has it.
        case done
        /// It comes before all that follows.
        case open
        /// Nothing waits for it: a thing to do whenever one likes.
        case anyTime
    }

    /// Its name, in a word or two.
    public let title: String
    /// How far the catalog is.
    public let state: State
    /// What the catalog has of it, in a few words.
    public let found: String
    /// Why it is worth doing, in a sentence or two.
    public let reason: String
    /// What to type, in the catalog's own names.
    public let commands: [String]
}

/// The way from an empty catalog to results, and where a catalog is on it.
public struct Tour: Sendable {
    /// The stations, in their order.
    public let stops: [TourStop]

    /// The first stop that others wait for; nil where all are done.
    public var next: TourStop? { stops.first { $0.state == .open } }

    /// The tour of somebody who has no catalog yet.
    public static let beginning = Tour(stops: [
        TourStop(
            title: "a catalog", state: .open, found: "none in this folder or above",
            reason: "A catalog is a folder that remembers tomograms, results, and what each was computed from.",
            commands: ["cellar init", "cellar add PATH... --dataset NAME"])
    ])
}

extension Project {
    /// Where the catalog is on the way from tomograms to results, and what to type next.
    ///
    /// - Throws: `CatalogError` where the catalog cannot be read, `EngineError` where the recipe is not understood.
    /// - Complexity: a plan of all tomograms; opens none.
    public func tour() throws -> Tour {
        let summary = try catalog.summary()
        guard let example = try exampleTomogram() else {
            return Tour(stops: [
                TourStop(
                    title: "tomograms", state: .open, found: "none",
                    reason: "Files stay where they are and are never changed; MRC, TIFF, HDF5 and OME-Zarr will do. "
                        + "`cellar simulate data` makes some to try with.",
                    commands: ["cellar add PATH... --dataset NAME"])
            ])
        }
        let plan = try plan()
        let stale = plan.summaries.reduce(0) { $0 + $1.foundAgain + $1.stale + $1.waiting + $1.blocked }
        let unknown = try count("v_tomogram", where: "voxel_size IS NULL")
        let name = example.name
        let middle = example.slices / 2
        var stops = [
            TourStop(
                title: "tomograms", state: .done,
                found: "\(summary.tomograms) in \(summary.datasets) \(summary.datasets == 1 ? "dataset" : "datasets")",
                reason: "",
                commands: ["cellar list tomograms"])
        ]
        if unknown > 0 {
            stops.append(
                TourStop(
                    title: "voxel sizes", state: .open, found: "\(unknown) tomograms have none",
                    reason: "Sizes in nm and networks need them, and these files do not say.",
                    commands: ["cellar add PATH --dataset NAME --voxel-size 13.48"]))
        }
        let hasSegmentation = try count("v_step", where: "step = '\(SegmentStep.name)'") > 0
        stops.append(
            TourStop(
                title: "a first segmentation", state: hasSegmentation ? .done : .open,
                found: hasSegmentation ? "there" : "not yet",
                reason: "The network that comes with the program segments every tomogram before anything was picked.",
                commands: ["cellar plan", "cellar run"]))
        stops.append(
            TourStop(
                title: "a look at it", state: .anyTime, found: "",
                reason: "Numbers come later: look first at what was found.",
                commands: [
                    "cellar serve", "cellar show \(name) --z \(middle) --step \(SegmentStep.name) --output first.png",
                ]))
        stops += try learningStops(summary, example: example, stale: stale)
        stops += try resultStops(name, hasAnnotations: summary.annotations > 0)
        return Tour(stops: stops)
    }

    /// What a user's own slices teach.
    private func learningStops(
        _ summary: Catalog.Summary, example: (name: String, slices: Int), stale: Int
    ) throws -> [TourStop] {
        let slab = max(1, min(24, example.slices * 3 / 8))
        let first = (example.slices - slab) / 2
        return [
            TourStop(
                title: "a few slices to learn from", state: summary.slabs > 0 ? .done : .open,
                found: summary.slabs > 0 ? "\(summary.slabs) \(summary.slabs == 1 ? "slab" : "slabs")" : "none",
                reason:
                    "Nobody labels them. Two or three slabs in tomograms that differ are enough; each deeper than a particle.",
                commands: ["cellar slab suggest", "cellar slab add \(example.name) --z '\(first)..<\(first + slab)'"]),
            TourStop(
                title: "a training set", state: summary.trainingSet != nil ? .done : .open, found: summary.trainingSet ?? "none",
                reason: "It says from which slabs, or from which annotations of yours, networks learn.",
                commands: ["cellar training add first"]),
            TourStop(
                title: "everything computed", state: stale == 0 ? .done : .open,
                found: stale == 0 ? "nothing is stale" : "\(stale) items are not fresh",
                reason:
                    "Only what is stale runs; it may be stopped at any time and goes on. `cellar why TOMOGRAM` says what changed.",
                commands: ["cellar plan", "cellar run"]),
        ]
    }

    /// What to do with results.
    private func resultStops(_ name: String, hasAnnotations: Bool) throws -> [TourStop] {
        let evaluated = try hasAnnotations && count("v_evaluation", where: "1") > 0
        return [
            TourStop(
                title: "how good it is", state: .anyTime,
                found: evaluated
                    ? "compared with annotations" : hasAnnotations ? "annotations, nothing compared" : "no annotation",
                reason: "One tomogram that a person labelled, and that teaches nothing, says more than any picture.",
                commands: [
                    "cellar annotate \(name) --labels TRUTH.mrc --class \(PseudoLabels.classes[0])=1", "cellar run",
                    "cellar stats evaluation",
                ]),
            TourStop(
                title: "questions", state: .anyTime, found: "",
                reason: "Every object is a row; Schema/views.md says what columns mean.",
                commands: [
                    "cellar stats objects --by tomogram",
                    "cellar query \"SELECT class, count(*), avg(volume_nm3) FROM v_object GROUP BY class\"",
                ]),
            TourStop(
                title: "files for other programs", state: .anyTime, found: "",
                reason: "RELION, IMOD, napari, ChimeraX, copick; and a page to send to others.",
                commands: [
                    "cellar export points \(name) --output particles.star", "cellar export labels \(name) --output labels.mrc",
                    "cellar report report",
                ]),
            TourStop(
                title: "a copy", state: .anyTime, found: "", reason: "While it is in use, without what can be computed again.",
                commands: ["cellar backup FOLDER"]),
        ]
    }

    private func exampleTomogram() throws -> (name: String, slices: Int)? {
        var example: (name: String, slices: Int)?
        try query("SELECT name, size_z, count(*) OVER (PARTITION BY name) FROM v_tomogram ORDER BY id LIMIT 1") { row in
            // A name that two datasets have says nothing without its dataset.
            guard case .integer(let slices) = row[1] else { return }
            example = (row[0].plainText, Int(slices))
        }
        if let found = example, try count("v_tomogram", where: "name = :name", ["name": .text(found.name)]) > 1 {
            try query("SELECT dataset || '/' || name FROM v_tomogram ORDER BY id LIMIT 1") { row in
                example = (row[0].plainText, found.slices)
            }
        }
        return example
    }

    private func count(_ view: String, where condition: String, _ parameters: [String: QueryValue] = [:]) throws -> Int {
        var count = 0
        try query("SELECT count(*) FROM \(view) WHERE \(condition)", parameters: parameters) { row in
            if case .integer(let value) = row[0] { count = Int(value) }
        }
        return count
    }
}
