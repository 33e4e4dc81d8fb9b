import Catalog
import Metrics

extension EvaluationCurve {
    /// As many points are enough to draw a curve.
    private static let most = 512

    /// A curve as the output `curves` of steps that evaluate keeps it: thinned evenly where it has many points; its first and last stay.
    init(_ curve: PrecisionRecallCurve, source: String) {
        var points = curve.points
        if points.count > Self.most {
            let step = Double(points.count - 1) / Double(Self.most - 1)
            points = (0..<Self.most).map { points[Int((Double($0) * step).rounded())] }
        }
        self.init(
            source: source, recall: points.map { $0.recall.roundedForStorage },
            precision: points.map { $0.precision.roundedForStorage },
            threshold: points.map { $0.threshold.roundedForStorage })
    }
}

extension Double {
    /// To six places.
    fileprivate var roundedForStorage: Double { (self * 1e6).rounded() / 1e6 }
}
