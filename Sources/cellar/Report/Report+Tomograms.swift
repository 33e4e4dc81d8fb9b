import CellarKit
import Foundation

extension Report {
    /// The metrics of some steps by tomogram and name, each with its trace.
    private func metrics(of steps: [String]) throws -> [Int64: [String: Number]] {
        var metrics: [Int64: [String: Number]] = [:]
        let list = steps.map { "'\($0)'" }.joined(separator: ",")
        try connection.run(
            """
            SELECT s.tomogram_id, m.name, m.value, s.trace_id FROM v_step AS s
            JOIN v_metric AS m ON m.step = s.step AND m.scope_id = s.scope_id
            WHERE s.step IN (\(list)) AND s.tomogram_id IN (\(idList))
            """
        ) { row in
            guard let id = row[0].integer, let value = row[2].number, let trace = row[3].integer else { return }
            metrics[id, default: [:]][row[1].plainText] = Number(value: value, trace: trace)
        }
        return metrics
    }

    /// One row for each tomogram: what it is, and what was measured of it.
    func addTomograms(to page: inout HTMLPage, _ traces: inout Set<Int64>) throws {
        page.heading("Tomograms")
        let metrics = try metrics(of: ["measure", "measure-picks"])
        let names = Set(metrics.values.flatMap(\.keys))
        /// Of each class, in this order.
        let measures = [
            ("objects", "objects"), ("fraction", "fraction"), ("concentration", "per µm³"),
            ("lamella_concentration", "per µm³ of lamella"),
        ]
        let classes = Set(names.compactMap { $0.split(separator: "/").count == 2 ? String($0.split(separator: "/")[0]) : nil })
            .sorted()
        var columns = classes.flatMap { name in
            measures.compactMap { measure, words in
                names.contains("\(name)/\(measure)") ? ("\(name)/\(measure)", "\(name), \(words)") : nil
            }
        }
        if names.contains("lamella_thickness_nm") { columns.append(("lamella_thickness_nm", "lamella, nm")) }
        let rows = tomograms.map { tomogram -> [HTMLPage.Cell] in
            [
                HTMLPage.Cell(text: "\(tomogram.dataset)/\(tomogram.name)"), HTMLPage.Cell(text: tomogram.size),
                HTMLPage.Cell(text: tomogram.voxelSize?.brief ?? "", isNumber: true),
                HTMLPage.Cell(text: "\(tomogram.slabs)", isNumber: true),
            ] + columns.map { cell(metrics[tomogram.id]?[$0.0], &traces) }
        }
        page.table(["tomogram", "voxels", "voxel size, Å", "slabs"] + columns.map(\.1), rows)
        if columns.isEmpty {
            page.paragraph(
                "Nothing has been measured yet: `cellar training add` says what to learn from, `cellar run` does the rest.")
        }
    }

    /// How many measured objects of each class stand.
    func objectCounts() throws -> [String: Int64] {
        var counts: [String: Int64] = [:]
        try connection.run(
            """
            SELECT class, sum(count) FROM v_object_summary
            WHERE measure = 'volume_nm3' AND step IN ('measure', 'measure-picks') AND tomogram_id IN (\(idList)) GROUP BY class
            """
        ) { row in counts[row[0].plainText] = row[1].integer ?? 0 }
        return counts
    }
}
