import Basics

/// A common question about a catalog, as one SQL statement over the public views (Schema/views.md).
///
/// The statement has no parameters, so that people can copy, change and run it. It reads sums over objects, never single objects.
/// Standard deviations are those of samples (n − 1).
///
/// ```swift
/// let connection = try QueryConnection(catalog)
/// let sql = try Statistics(.evaluation, by: "dataset", where: "trained_on = 0").sql(for: connection)
/// try connection.run(sql) { row in print(row) }
/// ```
public struct Statistics: Sendable, Hashable {
    /// What the question is about.
    public enum Topic: String, CaseIterable, Sendable {
        case datasets, objects, membranes, compartments, context, kinds, evaluation, tomograms, changes, steps

        /// The topic in one line.
        public var summary: String {
            switch self {
            case .datasets: "how many tomograms of which voxel size, and how much volume"
            case .objects: "how many objects of each class, how large, how near to one another and to membranes"
            case .membranes: "how much membrane, how thick, how curved, how rough, how near to the next sheet"
            case .compartments: "how many compartments, how large, how closed and how deep within others"
            case .context: "how many particles lie in which kind of compartment, and how far below its membrane"
            case .kinds: "how many particles of each kind, in how many tomograms, how near to membranes and to one another"
            case .evaluation: "how well steps did against annotations: mean and spread of each number"
            case .tomograms: "the tomograms with the highest and lowest values of a metric"
            case .changes: "how each metric moved from one run to another"
            case .steps: "how long each step took"
            }
        }

        /// The view whose columns may be grouped by and used in conditions.
        public var view: String {
            switch self {
            case .datasets: "v_tomogram"
            case .objects: "v_object_summary"
            case .membranes: "v_membrane"
            case .compartments: "v_compartment"
            case .context: "v_context"
            case .kinds: "v_object"
            case .evaluation: "v_evaluation"
            case .tomograms: "v_metric"
            case .changes: "v_metric_history"
            case .steps: "v_step"
            }
        }

        /// What to do where the answer is empty.
        public var advice: String {
            switch self {
            case .datasets: "`cellar add PATH --dataset NAME` adds tomograms"
            case .objects: "steps such as pseudo-labels, pick and measure find objects; `cellar run` runs them"
            case .membranes: "`cellar run --until measure` measures the membranes of what was segmented"
            case .compartments: "`cellar run --until compartments` finds them in what was segmented"
            case .context: "`cellar run --until measure-picks` says in which compartment each particle lies"
            case .kinds: "`cellar kind find` finds kinds among what was picked, and `cellar run` gives each particle one"
            case .evaluation:
                "`cellar annotate` brings labels or points to compare with, and `cellar run` evaluates where there are results"
            case .tomograms: "`cellar query 'SELECT DISTINCT step, name FROM v_metric'` lists the metrics that there are"
            case .changes: "only what was computed again between the two runs is compared; `cellar list runs` lists them"
            case .steps: "`cellar run` computes what is stale"
            }
        }
    }

    public var topic: Topic
    /// A column to group by, before those that the topic groups by.
    public var by: String?
    /// An SQL expression, as it may follow WHERE.
    public var condition: String?
    /// The metric of ``Topic/tomograms``.
    public var metric: String?
    /// How many tomograms to give at each end.
    public var count: Int
    /// The runs that ``Topic/changes`` compares; nil for the last run and the one before it.
    public var from: Int64?
    public var to: Int64?

    public init(
        _ topic: Topic, by: String? = nil, where condition: String? = nil, metric: String? = nil, count: Int = 10,
        from: Int64? = nil, to: Int64? = nil
    ) {
        self.topic = topic
        self.by = by
        self.condition = condition
        self.metric = metric
        self.count = count
        self.from = from
        self.to = to
    }

    /// The SQL for an overview: the numbers of datasets, tomograms, slabs, annotations, training sets, objects, evaluations and
    /// runs.
    public static let overview = """
        SELECT 'datasets' AS what, count(DISTINCT dataset) AS count FROM v_tomogram
        UNION ALL SELECT 'tomograms', count(*) FROM v_tomogram
        UNION ALL SELECT 'slabs', count(*) FROM v_slab
        UNION ALL SELECT 'annotations', count(*) FROM v_annotation
        UNION ALL SELECT 'training sets', count(*) FROM v_training_set
        UNION ALL SELECT 'objects', ifnull(sum(n), 0) FROM v_object_total WHERE measure = 'volume_nm3'
        UNION ALL SELECT 'evaluations', count(DISTINCT step || scope_id) FROM v_evaluation
        UNION ALL SELECT 'runs', count(*) FROM v_run
        """

    /// The statement.
    ///
    /// - Parameter connection: the connection to the catalog, where the names of columns, metrics and runs are looked up.
    /// - Throws: ``CatalogError`` where one of them is not there, or the condition is not understood.
    public func sql(for connection: QueryConnection) throws -> String {
        if let by { try ViewColumns(topic.view, in: connection).check(by) }
        if let condition { try ViewColumns(topic.view, in: connection).check(condition: condition) }
        switch topic {
        case .datasets: return datasets
        case .objects: return try objects(connection)
        case .membranes: return membranes
        case .compartments: return compartments
        case .context: return context
        case .kinds: return kinds
        case .evaluation: return evaluation
        case .tomograms: return try tomograms(connection)
        case .changes: return try changes(connection)
        case .steps: return steps
        }
    }

    // MARK: Statements

    private var datasets: String {
        let key = by ?? "dataset"
        return """
            SELECT \(key), count(*) AS tomograms, sum(slabs) AS slabs, sum(annotations) AS annotations,
                min(voxel_size) AS smallest_voxel, max(voxel_size) AS largest_voxel,
                sum(1e-12 * size_x * size_y * size_z * voxel_size * voxel_size_y * voxel_size_z) AS volume_um3,
                avg(density_std) AS density_std
            FROM v_tomogram\(whereClause())
            GROUP BY \(key) ORDER BY \(key)
            """
    }

    /// The measures of objects, and the number of objects in a cubic micrometre of each tomogram.
    ///
    /// Sums of datasets answer where nothing smaller is asked about; else those of single results do.
    private func objects(_ connection: QueryConnection) throws -> String {
        let keys = keys(["step", "class", "measure"])
        let (totals, single) = (
            try ViewColumns("v_object_total", in: connection), try ViewColumns(Topic.objects.view, in: connection)
        )
        // SQLite takes a name in double quotes that is no column for a text, so that a condition may be understood, and wrongly.
        let finer = Set(single.names).subtracting(totals.names)
        func namesFiner(_ condition: String) -> Bool {
            condition.lowercased().split { !($0.isLetter || $0.isNumber || $0 == "_") }.contains { finer.contains(String($0)) }
        }
        let isOfDatasets =
            by.map(["step", "dataset", "class", "measure"].contains) ?? true
            && (condition.map { condition in !namesFiner(condition) && (try? totals.check(condition: condition)) != nil } ?? true)
        let (view, n, sum, squares, least, greatest) =
            isOfDatasets
            ? ("v_object_total", "sum(n)", "sum(total)", "sum(total_of_squares)", "min(least)", "max(greatest)")
            : ("v_object_summary", "sum(count)", "sum(sum)", "sum(sum_of_squares)", "min(minimum)", "max(maximum)")
        return """
            SELECT \(keys), \(n) AS n, \(sum) / \(n) AS mean, \(Self.deviation(sum, squares, n)) AS std,
                \(least) AS min, \(greatest) AS max
            FROM \(view)\(whereClause())
            GROUP BY \(keys)
            UNION ALL
            SELECT \(keys), \(Self.moments)
            FROM v_metric\(whereClause("measure = 'concentration'"))
            GROUP BY \(keys)
            ORDER BY \(keys)
            """
    }

    /// The means over pieces, each weighted with its area: a scrap of membrane counts as little as it covers.
    private var membranes: String {
        let keys = keys(["class"])
        func mean(_ column: String) -> String {
            "sum(area_nm2 * \(column)) / sum(CASE WHEN \(column) IS NOT NULL THEN area_nm2 END) AS \(column)"
        }
        let columns = ["thickness", "mean_curvature", "gaussian_curvature", "roughness", "spacing", "neighboured_part"]
        return """
            SELECT \(keys), count(*) AS n, count(DISTINCT tomogram_id) AS tomograms, sum(area_nm2) AS area_nm2,
                \(columns.map(mean).joined(separator: ",\n    "))
            FROM v_membrane\(whereClause())
            GROUP BY \(keys) ORDER BY \(keys)
            """
    }

    private var compartments: String {
        let keys = keys(["state", "level"])
        return """
            SELECT \(keys), count(*) AS n, avg(volume_nm3) AS volume_nm3,
                \(Self.deviation("sum(volume_nm3)", "sum(volume_nm3 * volume_nm3)", "count(*)")) AS volume_std,
                avg(diameter_nm) AS diameter_nm, avg(sphericity) AS sphericity, avg(gap) AS gap, max(depth) AS deepest
            FROM v_compartment\(whereClause())
            GROUP BY \(keys) ORDER BY \(keys)
            """
    }

    private var context: String {
        let keys = keys(["class", "state", "level"])
        return """
            SELECT \(keys), count(*) AS n, count(DISTINCT tomogram_id) AS tomograms, avg(depth) AS depth,
                \(Self.deviation("sum(depth)", "sum(depth * depth)", "count(depth)")) AS depth_std, min(depth) AS least,
                max(depth) AS greatest
            FROM v_context\(whereClause())
            GROUP BY \(keys) ORDER BY \(keys)
            """
    }

    private var kinds: String {
        let keys = keys(["kind", "kind_name"])
        return """
            SELECT \(keys), count(*) AS n, count(DISTINCT tomogram_id) AS tomograms, avg(kind_certainty) AS certainty,
                avg(membrane_distance) AS membrane_distance,
                \(Self.deviation("sum(membrane_distance)", "sum(membrane_distance * membrane_distance)", "count(membrane_distance)"))
                AS membrane_distance_std, avg(diameter_nm) AS diameter_nm, avg(confidence) AS confidence
            FROM v_object\(whereClause("kind IS NOT NULL"))
            GROUP BY \(keys) ORDER BY \(keys)
            """
    }

    private var evaluation: String {
        let keys = keys(["step", "name"])
        return """
            SELECT \(keys), \(Self.moments)
            FROM v_evaluation\(whereClause())
            GROUP BY \(keys) ORDER BY \(keys)
            """
    }

    private var steps: String {
        let keys = keys(["step"])
        return """
            SELECT \(keys), count(*) AS items, sum(seconds) AS seconds, avg(seconds) AS mean,
                \(Self.deviation("sum(seconds)", "sum(seconds * seconds)", "count(*)")) AS std, max(seconds) AS max
            FROM v_step\(whereClause())
            GROUP BY \(keys) ORDER BY \(keys)
            """
    }

    private func tomograms(_ connection: QueryConnection) throws -> String {
        guard let metric else {
            throw CatalogError(.invalid, "which metric is not said: add --metric NAME; \(Topic.tomograms.advice)")
        }
        let name = metric.sqlLiteral
        guard try connection.hasRows("SELECT 1 FROM v_metric WHERE name = \(name) LIMIT 1") else {
            throw CatalogError(.notFound, "no result that stands has a metric \(metric); \(Topic.tomograms.advice)")
        }
        return """
            SELECT CASE WHEN place <= \(count) THEN 'highest' ELSE 'lowest' END AS end, dataset, tomogram, step, z_first, value
            FROM (
                SELECT *, row_number() OVER (ORDER BY value DESC) AS place, count(*) OVER () AS places
                FROM v_metric\(whereClause("name = \(name)")))
            WHERE place <= \(count) OR place > places - \(count)
            ORDER BY place
            """
    }

    /// Compares the results that stood at the end of two runs: of each scope the last execution up to the run, or an earlier one
    /// that was found again by then and stands since.
    private func changes(_ connection: QueryConnection) throws -> String {
        let runs = try connection.integers("SELECT id FROM v_run ORDER BY id")
        guard let last = to ?? runs.last, let first = from ?? runs.last(where: { $0 < last }) else {
            throw CatalogError(.notFound, "changes are from one run to another, and there are no two; `cellar run` makes one")
        }
        for run in [first, last] where !runs.contains(run) {
            throw CatalogError(.notFound, "there is no run \(run); `cellar list runs` lists those that there are")
        }
        guard first < last else {
            throw CatalogError(
                .invalid,
                "changes are from an earlier run to a later one, and \(first) is not before \(last); give --from the earlier")
        }
        func standing(at run: Int64) -> String {
            "coalesce(max(CASE WHEN standing_run_id <= \(run) THEN trace_id END), "
                + "max(CASE WHEN run_id <= \(run) THEN trace_id END))"
        }
        let keys = keys(["step", "name"]).split(separator: ", ").map { "later.\($0)" }.joined(separator: ", ")
        let change = "later.value - earlier.value"
        return """
            WITH pair AS (
                SELECT \(standing(at: first)) AS before, \(standing(at: last)) AS after
                FROM v_trace WHERE run_id <= \(last) AND status IN ('done', 'superseded')
                GROUP BY step, scope_id HAVING before <> after)
            SELECT \(keys), count(*) AS n, avg(earlier.value) AS before, avg(later.value) AS after,
                avg(\(change)) AS change, \(Self.deviation("sum(\(change))", "sum((\(change)) * (\(change)))", "count(*)")) AS std,
                sum(later.value > earlier.value) AS rose, sum(later.value < earlier.value) AS fell
            FROM pair
            CROSS JOIN (SELECT * FROM v_metric_history\(whereClause())) AS later ON later.trace_id = pair.after
            CROSS JOIN v_metric_history AS earlier ON earlier.trace_id = pair.before AND earlier.name = later.name
            GROUP BY \(keys) ORDER BY \(keys)
            """
    }

    // MARK: Parts of statements

    /// The columns to group by: the one in ``by``, then those of the topic.
    private func keys(_ usual: [String]) -> String {
        ((by.map { [$0] } ?? []) + usual.filter { $0 != by }).joined(separator: ", ")
    }

    /// The WHERE clause. The expression stands on lines of its own, so that a comment at its end hides nothing.
    private func whereClause(_ fixed: String? = nil) -> String {
        let parts = (fixed.map { [$0] } ?? []) + (condition.map { ["(\n\($0)\n)"] } ?? [])
        return parts.isEmpty ? "" : " WHERE " + parts.joined(separator: " AND ")
    }

    private static let moments = """
        count(*) AS n, avg(value) AS mean,
            \(deviation("sum(value)", "sum(value * value)", "count(*)")) AS std, min(value) AS min, max(value) AS max
        """

    /// The SQL of a sample's standard deviation, from its sum, sum of squares and number n: √((Σx² − (Σx)²/n) / (n − 1)); NULL
    /// for n = 1.
    private static func deviation(_ sum: String, _ squares: String, _ n: String) -> String {
        "sqrt(max(0, \(squares) - \(sum) * \(sum) / \(n)) / nullif(\(n) - 1, 0))"
    }
}
