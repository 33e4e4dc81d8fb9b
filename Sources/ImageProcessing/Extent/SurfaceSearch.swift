import Basics
import Foundation

/// Looks for the two surfaces of a sample in the powers of columns: the planes that part noise from what is stronger.
///
/// Outside of a sample there is noise alone, and its power is the same in all columns: the floor. So an edge need not be found in every column. Each
/// value says how far it lies above the floor or below a threshold between the floor and the inside, and the planes are those for which the sum of
/// what speaks for them, over all columns, is largest. Columns in which a plane has left the volume say nothing.
struct SurfaceSearch {
    /// A plane, in slices from the lower face of the volume: height + slopeX x + slopeY y, with x and y in voxels from the middle of the slices.
    struct Plane: Hashable {
        var height: Double
        var slopeX: Double
        var slopeY: Double

        func at(_ place: SIMD2<Double>) -> Double { height + slopeX * place.x + slopeY * place.y }
    }

    /// The two planes that fit best, with the levels that they part.
    struct Fit {
        var lower: Plane
        var upper: Plane
        /// The level of noise.
        var floor: Double
        /// By how much the inside exceeds it near the surfaces, in each column.
        var steps: [Double]
    }

    /// The middles of the columns in voxels, from the middle of the slices.
    let places: [SIMD2<Double>]
    /// The logarithms of powers, `[column][slice]`; NaN where there is none.
    let levels: [Double]
    let depth: Int
    /// The distance of the outermost columns from the middle, at least 1.
    let reach: Double

    /// The place between floor (0) and inside (1) that parts them. Structures are farther apart near a surface, and the missing wedge smears, so
    /// that the true surfaces lie where a third of the height is reached, and not half of it.
    private static let parting = 0.35
    /// The steepest slopes with which planes are looked for, and into how many steps they are divided.
    private static let (steepest, divisions) = (0.4, 24)
    /// The least number of slices between the surfaces.
    private static let leastThickness = 8
    /// The parts of the values below which the floor is first believed to lie.
    private static let beginnings = [0.08, 0.2, 0.4, 0.6]
    private static let rounds = 6

    /// - Precondition: `levels` has `depth` values for each place.
    init(places: [SIMD2<Double>], levels: [Double], depth: Int) {
        precondition(levels.count == places.count * depth, "\(levels.count) levels are not \(places.count) × \(depth)")
        (self.places, self.levels, self.depth) = (places, levels, depth)
        reach = max(1, places.map { max(abs($0.x), abs($0.y)) }.max() ?? 1)
    }

    /// The fit that explains the levels best, of several beginnings; nil where none parts the levels at all.
    ///
    /// - Parameter coarse: the same field in fewer columns, in which planes are looked for first.
    /// - Complexity: 625 pairs of slopes for each column and slice of the coarse field and each beginning, some 100 ms for 64 columns of 64 slices.
    func best(coarse: SurfaceSearch) -> Fit? {
        let sorted = levels.filter { !$0.isNaN }.sorted()
        guard sorted.count >= 4 * places.count, sorted.first != sorted.last else { return nil }
        func quantile(_ part: Double) -> Double { sorted[min(Int(part * Double(sorted.count)), sorted.count - 1)] }
        var found: [(fit: Fit, gain: Double)] = []
        for beginning in Self.beginnings {
            let floor = quantile(beginning)
            let step = quantile((1 + beginning) / 2) - floor
            guard step > 0 else { continue }
            let sums = coarse.cumulated(floor: floor, steps: Array(repeating: step, count: coarse.places.count))
            guard
                var fit = coarse.parallelPlanes(sums).map({
                    Fit(lower: $0.lower, upper: $0.upper, floor: floor, steps: Array(repeating: step, count: places.count))
                })
            else { continue }
            for _ in 0..<Self.rounds {
                let before = (fit.lower, fit.upper)
                refine(&fit)
                guard estimateLevels(&fit) else { break }
                if before == (fit.lower, fit.upper) { break }
            }
            if let gain = gain(of: fit) { found.append((fit, gain)) }
        }
        guard let most = found.map(\.gain).max(), most > 0 else { return nil }
        // The one with the least floor of those that are as good.
        return found.first { $0.gain >= 0.97 * most }?.fit
    }

    // MARK: Planes

    /// For each column the sums, from the first slice on, of what speaks for noise: positive below the threshold, negative above it, each at most a
    /// step. `[column][0 ... depth]`
    private func cumulated(floor: Double, steps: [Double]) -> [Double] {
        var sums: [Double] = []
        sums.reserveCapacity(places.count * (depth + 1))
        for column in places.indices {
            let step = steps[column]
            var sum = 0.0
            sums.append(0)
            for level in levels[column * depth..<(column + 1) * depth] {
                if !level.isNaN { sum -= min(max(level - floor - Self.parting * step, -step), step) }
                sums.append(sum)
            }
        }
        return sums
    }

    /// A sum up to a height, interpolated between slices.
    @inline(__always)
    private func value(_ sums: UnsafeBufferPointer<Double>, _ column: Int, _ height: Double) -> Double {
        let inside = min(max(height, 0), Double(depth))
        let slice = min(Int(inside), depth - 1)
        let first = column * (depth + 1) + slice
        return sums[first] + (inside - Double(slice)) * (sums[first + 1] - sums[first])
    }

    /// The best two planes with the same slopes; nil where nothing speaks for any.
    private func parallelPlanes(_ sums: [Double]) -> (lower: Plane, upper: Plane)? {
        let margin = Int((2 * Self.steepest * reach).rounded(.up)) + 1
        let count = depth + 2 * margin + 1
        let total = places.indices.reduce(0) { $0 + sums[($1 + 1) * (depth + 1) - 1] }
        var best: (value: Double, lower: Plane, upper: Plane)?
        var below = [Double](repeating: 0, count: count)
        sums.withUnsafeBufferPointer { sums in
            for a in -Self.divisions / 2...Self.divisions / 2 {
                for b in -Self.divisions / 2...Self.divisions / 2 {
                    let slopes = SIMD2(Double(a), Double(b)) * (2 * Self.steepest / Double(Self.divisions))
                    for index in 0..<count { below[index] = 0 }
                    for (column, place) in places.enumerated() {
                        let shift = (slopes * place).sum() - Double(margin)
                        for index in 0..<count { below[index] += value(sums, column, Double(index) + shift) }
                    }
                    var (least, most) = (0, -Double.infinity)
                    for index in Self.leastThickness..<count {
                        let lower = index - Self.leastThickness
                        if below[lower] > most { (least, most) = (lower, below[lower]) }
                        let value = most + total - below[index]
                        if value > best?.value ?? 0 {
                            best = (
                                value, Plane(height: Double(least - margin), slopeX: slopes.x, slopeY: slopes.y),
                                Plane(height: Double(index - margin), slopeX: slopes.x, slopeY: slopes.y)
                            )
                        }
                    }
                }
            }
        }
        return best.map { ($0.lower, $0.upper) }
    }

    /// Moves each of the planes for itself, as long as more speaks for it, by smaller and smaller steps.
    private func refine(_ fit: inout Fit) {
        let sums = cumulated(floor: fit.floor, steps: fit.steps)
        let total = places.indices.reduce(0) { $0 + sums[($1 + 1) * (depth + 1) - 1] }
        sums.withUnsafeBufferPointer { sums in
            func climb(_ start: Plane, isUpper: Bool) -> Plane {
                func score(_ plane: Plane) -> Double {
                    var sum = 0.0
                    for (column, place) in places.enumerated() { sum += value(sums, column, plane.at(place)) }
                    return isUpper ? total - sum : sum
                }
                var (plane, best) = (start, score(start))
                var step = max(2, Self.steepest / Double(Self.divisions) * reach)
                while step > 0.1 {
                    var moved = false
                    for (axis, width) in [(\Plane.height, step), (\Plane.slopeX, step / reach), (\Plane.slopeY, step / reach)] {
                        for change in [width, -width] {
                            var other = plane
                            other[keyPath: axis] += change
                            let value = score(other)
                            if value > best + 1e-9 { (plane, best, moved) = (other, value, true) }
                        }
                    }
                    if !moved { step /= 2 }
                }
                return plane
            }
            fit.lower = climb(fit.lower, isUpper: false)
            fit.upper = climb(fit.upper, isUpper: true)
        }
    }

    // MARK: Levels

    /// Where a slice lies: a slice at a surface belongs to neither side.
    enum Side { case below, inside, above, between }

    func side(_ slice: Int, _ column: Int, _ fit: Fit) -> Side {
        let middle = Double(slice) + 0.5
        let (lower, upper) = (fit.lower.at(places[column]), fit.upper.at(places[column]))
        if middle > lower + 1 && middle < upper - 1 { return .inside }
        if middle < lower - 1 { return .below }
        return middle > upper + 1 ? .above : .between
    }

    /// The floor and the steps that follow from the planes.
    ///
    /// - Returns: false where too little lies outside, or inside.
    private func estimateLevels(_ fit: inout Fit) -> Bool {
        var (outside, inside): ([Double], [Double]) = ([], [])
        var near = [(sum: Double, count: Double)](repeating: (0, 0), count: places.count)
        forEach(fit) { column, slice, level, side in
            guard side == .inside else {
                if side != .between { outside.append(level) }
                return
            }
            inside.append(level)
            let middle = Double(slice) + 0.5
            let (lower, upper) = (fit.lower.at(places[column]), fit.upper.at(places[column]))
            if middle > lower + 2 && middle < lower + 14 || middle < upper - 2 && middle > upper - 14 {
                near[column].sum += level
                near[column].count += 1
            }
        }
        guard outside.count >= 2 * places.count, inside.count >= 4 * places.count, let floor = Quantile.median(of: outside),
            let level = Quantile.median(of: inside)
        else { return false }
        let typical = max(level - floor, 1e-3)
        fit.floor = floor
        fit.steps = near.map { max($0.count > 0 ? $0.sum / $0.count - floor : typical, typical / 4) }
        return true
    }

    private func forEach(_ fit: Fit, _ body: (_ column: Int, _ slice: Int, _ level: Double, Side) -> Void) {
        for column in places.indices {
            for slice in 0..<depth {
                let level = levels[column * depth + slice]
                if !level.isNaN { body(column, slice, level, side(slice, column, fit)) }
            }
        }
    }

    /// By how much the levels are more likely with a floor outside and a level of its own for the inside of each column, than with one level for each
    /// column: the logarithm, for each value. nil where too few columns have an outside or an inside.
    private func gain(of fit: Fit) -> Double? {
        var outside = Moments()
        var (inside, all) = (
            [Moments](repeating: .init(), count: places.count), [Moments](repeating: .init(), count: places.count)
        )
        forEach(fit) { column, _, level, side in
            all[column].add(level)
            if side == .inside { inside[column].add(level) } else if side != .between { outside.add(level) }
        }
        let (inner, whole) = (Moments.pooled(inside), Moments.pooled(all))
        guard outside.count >= 2 * Double(places.count), inner.count > 0, inner.variance > 0, outside.variance > 0 else {
            return nil
        }
        let logarithms =
            outside.count * log(whole.variance / outside.variance) + inner.count * log(whole.variance / inner.variance)
        return logarithms / 2 / whole.count
    }
}

extension SurfaceSearch {
    /// A number of values, their mean, and the sum of their squared distances from it.
    struct Moments {
        private(set) var count = 0.0
        private(set) var mean = 0.0
        private(set) var squares = 0.0
        var variance: Double { count > 0 ? squares / count : 0 }

        mutating func add(_ value: Double) {
            count += 1
            let difference = value - mean
            mean += difference / count
            squares += difference * (value - mean)
        }

        /// All values, each less the mean of its own group.
        static func pooled(_ groups: [Moments]) -> Moments {
            var result = Moments()
            for group in groups {
                result.count += group.count
                result.squares += group.squares
            }
            return result
        }
    }

    /// What says that a surface is one.
    struct Evidence {
        /// The part of the columns that the surface crosses, less the part in which the power falls inwards, over both: 1 where it rises in all.
        var agreement: Double
        /// The median over these columns of the step from the ten slices outside to the ten inside, in standard deviations of the outside.
        var contrast: Double
        /// The number of columns that it crosses.
        var columns: Int
    }

    /// What speaks for one of the planes of a fit.
    func evidence(for fit: Fit, isUpper: Bool) -> Evidence {
        var outside: [Double] = []
        forEach(fit) { _, _, level, side in if side == .below || side == .above { outside.append(abs(level - fit.floor)) } }
        // A bead of gold outside counts for no more than four deviations.
        let limit = 4 * 1.4826 * (Quantile.median(of: outside) ?? 0)
        let squares = outside.reduce(0) { $0 + min($1, limit) * min($1, limit) }
        let deviation = max((squares / Double(max(outside.count, 1))).squareRoot(), 1e-6)
        var steps: [Double] = []
        for (column, place) in places.enumerated() {
            let height = (isUpper ? fit.upper : fit.lower).at(place)
            var (near, far) = (Moments(), Moments())
            for slice in 0..<depth {
                let level = levels[column * depth + slice]
                let distance = (Double(slice) + 0.5 - height) * (isUpper ? -1 : 1)
                guard !level.isNaN, abs(distance) < 11 else { continue }
                let side = side(slice, column, fit)
                if distance > 2 && side == .inside { near.add(level) }
                if distance < -1 && side == (isUpper ? .above : .below) { far.add(level) }
            }
            if near.count >= 3 && far.count >= 2 { steps.append(near.mean - far.mean) }
        }
        let rising = Double(steps.count { $0 > 0 })
        return Evidence(
            agreement: steps.isEmpty ? 0 : max(0, 2 * rising / Double(steps.count) - 1),
            contrast: (Quantile.median(of: steps) ?? 0) / deviation, columns: steps.count)
    }

    /// How unlike the outsides of columns are: the variance of their means over what the variance within them lets expect of independent values. Noise has
    /// 1 to 4, since slices next to each other are alike. Infinite where fewer than six columns have four values outside.
    func unevenness(of fit: Fit) -> Double {
        var outside = [Moments](repeating: .init(), count: places.count)
        forEach(fit) { column, _, level, side in if side == .below || side == .above { outside[column].add(level) } }
        let long = outside.filter { $0.count >= 4 }
        guard long.count >= 6 else { return .infinity }
        let count = long.reduce(0) { $0 + $1.count }
        let mean = long.reduce(0) { $0 + $1.count * $1.mean } / count
        let within = long.reduce(0) { $0 + $1.squares } / (count - Double(long.count))
        let between = long.reduce(0) { $0 + $1.count * ($1.mean - mean) * ($1.mean - mean) } / Double(long.count - 1)
        return within > 0 ? between / within : .infinity
    }
}
