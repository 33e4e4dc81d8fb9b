import Basics
import Catalog
import CatalogSchema
import CellarKit
import Engine
import ImageProcessing
import Pipeline

/// One tomogram: what is known of it, what can be drawn over it, and the state of each step.
extension ViewerAPI {
    package struct TomogramDetail: Encodable, Sendable {
        struct Shape: Encodable, Sendable { let x, y, z: Int64 }
        struct Evidence: Encodable, Sendable {
            /// `user`, `header`, `metadata`, `folder` or `dataset`; the first one counts.
            let source: String
            /// In Å, along x.
            let value: Double
        }
        struct Slab: Encodable, Sendable { let id, zFirst, zEnd: Int64 }
        /// As ``SampleExtent`` has it; in voxels.
        struct Extent: Encodable, Sendable { let bottom, top: OrNull<SurfacePlane> }
        struct Step: Encodable, Sendable {
            let step: String
            /// `fresh`, `stale`, `missing` where there was no run yet, or `failed`.
            let state: String
            let scope: String
            let count: Int
            let reason: String
        }

        /// All columns of `v_tomogram`.
        let tomogram: JSONRow
        let shape: Shape
        /// x, y, z in Å; nil where nobody says.
        let voxelSize: OrNull<[Double]>
        let evidence: [Evidence]
        let slabs: [Slab]
        /// Rows of `v_annotation`.
        let annotations: [JSONRow]
        let layers: [ViewerLayer]
        /// The names of all classes that something here has.
        let classes: [String]
        let extent: OrNull<Extent>
        let steps: [Step]
        /// Why states of steps are not known: the recipe is not understood; nil where they are.
        let stepsError: OrNull<String>
    }

    /// - Throws: ``CatalogError`` where there is no such tomogram.
    package func tomogram(_ id: Int64) throws -> TomogramDetail {
        let row = try tomogramRow(id)
        let key: [String: QueryValue] = ["id": .integer(id)]
        let annotations = try rows("SELECT * FROM v_annotation WHERE tomogram_id = :id ORDER BY id", key)
        let layers = try images.layers(of: id)
        var classes = try rows("SELECT DISTINCT class FROM v_object_summary WHERE tomogram_id = :id ORDER BY class", key)
            .compactMap { $0["class"]?.plainText }
        classes += layers.flatMap { $0.values.map(\.name) + [$0.class].compactMap(\.self) }
        classes += annotations.flatMap { ($0["classes"]?.plainText ?? "").split(separator: ", ").map(String.init) }
        let sizes = ["voxel_size", "voxel_size_y", "voxel_size_z"].compactMap { row[$0]?.number }
        let (steps, problem) = steps(of: id)
        return TomogramDetail(
            tomogram: row,
            shape: .init(
                x: row["size_x"]?.integer ?? 0, y: row["size_y"]?.integer ?? 0, z: row["size_z"]?.integer ?? 0),
            voxelSize: OrNull(sizes.count == 3 ? sizes : nil), evidence: evidence(in: row),
            slabs: try project.catalog.collection.slabs(ofTomogram: id).map {
                .init(id: $0.id ?? 0, zFirst: Int64($0.zFirst), zEnd: Int64($0.zEnd))
            },
            annotations: annotations, layers: layers, classes: classes.uniqued.filter { !$0.isEmpty },
            extent: OrNull(
                try project.results().value(ExtentStep.self, \.extent, scopeID: id).map {
                    .init(bottom: OrNull($0.lower), top: OrNull($0.upper))
                }),
            steps: steps, stepsError: OrNull(problem))
    }

    /// The row of a tomogram.
    ///
    /// - Throws: ``CatalogError`` where there is none.
    func tomogramRow(_ id: Int64) throws -> JSONRow {
        guard let row = try rows("SELECT * FROM \(Self.tomogramView) WHERE id = :id", ["id": .integer(id)]).first else {
            throw CatalogError(.notFound, "there is no tomogram \(id); /api/v1/tomograms lists them")
        }
        return row
    }

    private func evidence(in row: JSONRow) -> [TomogramDetail.Evidence] {
        let effective = row["voxel_size_source"]?.plainText ?? ""
        var evidence: [TomogramDetail.Evidence] = []
        if let value = row["voxel_size"]?.number { evidence.append(.init(source: effective, value: value)) }
        for source in ["header", "metadata", "folder"] where source != effective {
            if let value = row["\(source)_voxel_size"]?.number { evidence.append(.init(source: source, value: value)) }
        }
        return evidence
    }

    private func steps(of id: Int64) -> (steps: [TomogramDetail.Step], problem: String?) {
        do {
            let groups = try planning.why(Self.reference(id)).groups
            return (groups.map(Self.step), nil)
        } catch {
            return ([], error.sentence)
        }
    }

    private static func step(_ group: Explanation.Group) -> TomogramDetail.Step {
        let state: String
        if group.state == .fresh {
            state = "fresh"
        } else if group.reasons.contains(where: { $0.contains(" at the last try: ") }) {
            state = "failed"
        } else if group.reasons.contains("no earlier run") {
            state = "missing"
        } else {
            state = "stale"
        }
        return .init(
            step: group.step, state: state, scope: group.scope.rawValue, count: group.items.count,
            reason: group.reasons.joined(separator: "; "))
    }

    /// Rows of `v_object` of a tomogram.
    ///
    /// - Parameters:
    ///   - class: of one class; nil for all.
    ///   - sort: a column of the view.
    package func objects(
        of id: Int64, class name: String?, sort: String = "number", isDescending: Bool = false, offset: Int = 0, limit: Int = 100
    ) throws -> JSONTable {
        _ = try tomogramRow(id)
        let connection = try QueryConnection(project.catalog, timeLimitInSeconds: Self.filterSeconds)
        try ViewColumns("v_object", in: connection).check(sort)
        var parameters: [String: QueryValue] = ["id": .integer(id)]
        var condition = "tomogram_id = :id"
        if let name {
            parameters["class"] = .text(name)
            condition += " AND class = :class"
        }
        var total = 0
        try connection.run("SELECT count(*) FROM v_object WHERE \(condition)", parameters: parameters) {
            total = Int($0.first?.integer ?? 0)
        }
        let (offset, limit) = (min(max(offset, 0), total), min(max(limit, 0), Self.pageLimit))
        let found = try rows(
            """
            SELECT * FROM v_object WHERE \(condition)
            ORDER BY "\(sort)" IS NULL, "\(sort)" \(isDescending ? "DESC" : "ASC"), step, scope_id, number LIMIT \(limit) OFFSET \(offset)
            """, parameters, seconds: Self.filterSeconds)
        return JSONTable(total: total, offset: offset, rows: found)
    }
}

extension [String] {
    /// Each once, in the order in which they come first.
    fileprivate var uniqued: [String] {
        var known: Set<String> = []
        return filter { known.insert($0).inserted }
    }
}
