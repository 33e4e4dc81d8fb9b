import Basics

extension SurfacePlane {
    /// The least number of points that must agree on a plane: three lie on one anyway.
    private static let leastPoints = 4

    /// The plane on which most points agree; nil where too few do.
    ///
    /// Slopes are repeated medians along rows and columns of the grid (A. Siegel, *Robust regression using repeated medians*,
    /// Biometrika 69 (1982)), which nearly half of the points may contradict. Then points farther away than three robust standard
    /// deviations are dropped, and a plane is fitted to the others by least squares, until the same points remain.
    ///
    /// - Parameters:
    ///   - points: edges (x, y, z) in voxels, with x and y on a grid.
    ///   - count: the number of columns that could have had an edge, at least that of the points.
    ///   - middle: (x, y) of the middle of the slices.
    ///   - tolerance: the largest distance along z, in voxels, of a point that agrees.
    ///   - confidence: the least part of the columns that must agree, 0 … 1.
    /// - Complexity: quadratic in the number of points in a row or a column.
    static func fitting(
        _ points: [SIMD3<Double>], of count: Int, middle: SIMD2<Double>, tolerance: Double, confidence: Double
    ) -> SurfacePlane? {
        guard points.count >= leastPoints else { return nil }
        let centred = points.map { $0 - SIMD3(middle.x, middle.y, 0) }
        var slopes = SIMD2(slope(centred, along: 0, across: 1), slope(centred, along: 1, across: 0))
        func residuals(_ height: Double) -> [Double] { centred.map { $0.z - height - slopes.x * $0.x - slopes.y * $0.y } }
        var height = Quantile.median(of: residuals(0)) ?? 0
        var kept: [Int] = []
        for _ in 0..<10 {
            let distances = residuals(height).map(abs)
            // 1.4826 times the median absolute deviation is the standard deviation of a Gaussian; edges lie between slices.
            let spread = 1.4826 * (Quantile.median(of: distances) ?? 0)
            let limit = min(tolerance, max(1.5, 3 * spread))
            let near = distances.indices.filter { distances[$0] <= limit }
            guard near != kept, near.count >= leastPoints else { break }
            kept = near
            (height, slopes) = leastSquares(near.map { centred[$0] }, slopes: slopes)
        }
        let agreeing = residuals(height).count { abs($0) <= tolerance }
        let part = Double(agreeing) / Double(count)
        guard agreeing >= leastPoints, part >= confidence else { return nil }
        return SurfacePlane(
            middleX: middle.x, middleY: middle.y, z: height, slopeX: slopes.x, slopeY: slopes.y, confidence: part)
    }

    /// The repeated median of the slopes along an axis, 0 for x and 1 for y: for each point the median of the slopes to the
    /// points at the same place on the other axis, and of these the median. 0 where no two points are.
    private static func slope(_ points: [SIMD3<Double>], along axis: Int, across other: Int) -> Double {
        let medians = Dictionary(grouping: points) { $0[other] }.values.flatMap { line in
            line.compactMap { point in
                Quantile.median(
                    of: line.filter { $0[axis] != point[axis] }.map { ($0.z - point.z) / ($0[axis] - point[axis]) })
            }
        }
        return Quantile.median(of: medians) ?? 0
    }

    /// The height at (0, 0) and the slopes of the plane with the least sum of squared distances along z. The slopes stay as they
    /// were where the points lie on a line.
    private static func leastSquares(
        _ points: [SIMD3<Double>], slopes: SIMD2<Double>
    ) -> (height: Double, slopes: SIMD2<Double>) {
        let mean = points.reduce(SIMD3.zero, +) / Double(points.count)
        var (xx, xy, yy, xz, yz) = (0.0, 0.0, 0.0, 0.0, 0.0)
        for point in points {
            let offset = point - mean
            xx += offset.x * offset.x
            xy += offset.x * offset.y
            yy += offset.y * offset.y
            xz += offset.x * offset.z
            yz += offset.y * offset.z
        }
        let determinant = xx * yy - xy * xy
        let slopes =
            determinant > 1e-6 * xx * yy
            ? SIMD2((yy * xz - xy * yz) / determinant, (xx * yz - xy * xz) / determinant) : slopes
        return (mean.z - slopes.x * mean.x - slopes.y * mean.y, slopes)
    }
}
