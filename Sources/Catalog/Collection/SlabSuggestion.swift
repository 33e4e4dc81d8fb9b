/// A slab that would teach something new, and why.
public struct SlabSuggestion: Sendable, Hashable {
    public var tomogramID: Int64
    /// `dataset/name`
    public var tomogram: String
    public var z: Range<Int>
    /// For people: what it was chosen for.
    public var reason: String
}

/// Chooses among points those that cover all of them best with few: the one nearest to the middle first, then each time
/// the one farthest from those that were chosen (Gonzalez, *Clustering to minimize the maximum intercluster distance*,
/// Theoretical Computer Science 38, 1985).
struct FarthestPoints {
    /// - Parameter points: rows of equal length; columns are standardised, so that each weighs the same.
    /// - Returns: positions in the order of choice.
    static func choose(_ count: Int, among points: [[Double]]) -> [Int] {
        guard let width = points.first?.count, count > 0 else { return [] }
        let standardised = standardise(points, width: width)
        func distance(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } }
        // After standardising, the middle is the origin.
        let origin = [Double](repeating: 0, count: width)
        guard var next = standardised.indices.min(by: { distance(standardised[$0], origin) < distance(standardised[$1], origin) })
        else { return [] }
        var chosen: [Int] = []
        var nearest = [Double](repeating: .infinity, count: points.count)
        while chosen.count < min(count, points.count) {
            chosen.append(next)
            for index in nearest.indices {
                nearest[index] = min(nearest[index], distance(standardised[index], standardised[next]))
            }
            nearest[next] = -1
            next = nearest.indices.max { nearest[$0] < nearest[$1] } ?? next
        }
        return chosen
    }

    private static func standardise(_ points: [[Double]], width: Int) -> [[Double]] {
        let count = Double(points.count)
        var result = points
        for column in 0..<width {
            let mean = points.reduce(0) { $0 + $1[column] } / count
            let variance = points.reduce(0) { $0 + ($1[column] - mean) * ($1[column] - mean) } / count
            let scale = variance > 0 ? 1 / variance.squareRoot() : 0
            for row in result.indices { result[row][column] = (points[row][column] - mean) * scale }
        }
        return result
    }
}
