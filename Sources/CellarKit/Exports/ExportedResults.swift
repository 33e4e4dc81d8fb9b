import Catalog
import Engine
import Foundation
import Pipeline
public import Volumes

/// The results that a file is written from: which runs gave them, by which voxel size, and whether they are fresh.
///
/// Between a change and the next run, results stand that belong to what was before. Lengths in them are in Å of the voxel size
/// that they were computed with, and are converted with that one.
public struct ExportedResults: Sendable {
    /// An item whose result is written: the id of its scope, and what `why` calls it.
    struct Item {
        let scopeID: Int64
        let label: String
    }

    /// Whether results are what a run would give now.
    private enum Freshness: Sendable {
        case fresh
        /// With the first cause, as `why` says it.
        case stale(String)
        /// With the reason for which it cannot be said.
        case unknown(String)
    }

    private let step: String
    /// Whose they are: a tomogram or a training set.
    private let owner: String
    private let provenances: [ResultProvenance]
    private let freshness: Freshness
    /// What else is to be said of the voxel size; nil where it is the tomogram's.
    private let remark: String?
    /// The one that they were computed with; today's, where they need none.
    public let voxelSize: VoxelSize?

    /// - Parameters:
    ///   - items: of the step; those without a result do not count.
    ///   - owner: whose they are, for people.
    ///   - tomogramID: the tomogram that they are of, or that one of the training set's networks would see.
    /// - Throws: `CatalogError` where they were computed with several voxel sizes.
    init(_ project: Project, step: String, items: [Item], owner: String, tomogramID: Int64) throws {
        let catalog = project.catalog
        let results = try items.compactMap { item in
            try catalog.results.provenance(step: step, scopeID: item.scopeID).map { (item: item, provenance: $0) }
        }
        provenances = results.map(\.provenance)
        let sizes = Set(provenances.compactMap(\.voxelSize))
        guard sizes.count <= 1 else {
            let texts = sizes.map(\.description).sorted().joined(separator: " and ")
            throw CatalogError(
                .invalid,
                "\(step) of \(owner) was computed partly with another voxel size (\(texts)), so that no one file can hold it; "
                    + "`cellar run` computes it anew")
        }
        (self.step, self.owner) = (step, owner)
        let today = try catalog.collection.effectiveVoxelSize(ofTomogram: tomogramID)
        voxelSize = sizes.first ?? today
        remark = sizes.first.flatMap { size in
            let other = today?.description ?? "none"
            return size == today
                ? nil : "\(owner) has the voxel size \(other) today: lengths are written by that of \(step), \(size)"
        }
        freshness = Self.freshness(project, step: step, labels: Set(results.map(\.item.label)), tomogramID: tomogramID)
    }

    /// `run 3, 2026-11-29 11:00:12 UTC`: of several, the last.
    private var runs: String {
        let ids = Set(provenances.map(\.runID)).sorted()
        let times = provenances.map(\.startedAt).sorted()
        let when = times.last.map { ", \($0.prefix(19).replacing("T", with: " ")) UTC" } ?? ""
        return "run\(ids.count == 1 ? "" : "s") \(ids.map(String.init).joined(separator: ", "))\(when)"
    }

    /// Lines for the header of an MRC file: which results it holds.
    var headerLines: [String] {
        let size = voxelSize.map { ", voxel size \($0)".replacing("Å", with: "A").replacing("×", with: "x") } ?? ""
        let lines = ["Cellar: \(runs)\(size)"]
        return if case .stale = freshness { lines + ["Cellar: stale when it was written"] } else { lines }
    }

    /// Which results these are, in one line: step, owner, runs and voxel size.
    public var summary: String { "\(step) of \(owner) by \(runs)\(voxelSize.map { ", voxel size \($0)" } ?? "")" }

    /// What is not as it should be: that results are stale, and why; that they have another voxel size than the tomogram has today.
    public var remarks: [String] {
        let staleness =
            switch freshness {
            case .fresh: [String]()
            case .stale(let cause): ["\(step) of \(owner) is stale: \(cause); `cellar run --until \(step)` renews it"]
            case .unknown(let reason): ["Whether \(step) of \(owner) is stale is not known: \(reason)"]
            }
        return staleness + (remark.map { [$0] } ?? [])
    }

    private static func freshness(
        _ project: Project, step: String, labels: Set<String>, tomogramID: Int64
    ) -> Freshness {
        do {
            let explanation = try project.why(tomogramID: tomogramID, step: step)
            let groups = explanation.groups.filter { $0.step == step && !labels.isDisjoint(with: $0.items) }
            guard !groups.isEmpty else { return .unknown("what it was trained on is no current training set") }
            guard let group = groups.first(where: { $0.state != .fresh }) else { return .fresh }
            if group.state == .offline { return .unknown(group.reasons.joined(separator: "; ")) }
            let cause = group.state == .waiting ? explanation.firstCause ?? group : group
            return .stale("\(cause.reasons.joined(separator: "; ")) (\(cause.step))")
        } catch {
            return .unknown("\(error)")
        }
    }
}
