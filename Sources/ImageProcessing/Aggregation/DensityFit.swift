public import Basics

/// The straight line from the map of a tile to the density of its tokens, by least squares. It gives the maps of different tiles
/// one unit.
///
/// ```
/// density of a token ≈ offset + gain · value of its map
/// ```
///
/// The sign, the length and the level of an eigenvector are arbitrary for each tile, so that values of two tiles mean nothing to
/// each other. Densities of a slice do. What is left of a map is the part of the density that it explains: the map of an empty
/// tile becomes nearly flat, at the level of the ground.
public struct DensityFit: Hashable, Sendable {
    /// The density at the value 0 of the map.
    public let offset: Double
    /// The change of the density for a change of the map by 1; 0 where the map is constant or not finite.
    public let gain: Double
    /// The mean density of the tile.
    public let mean: Double
    /// R²: the part of the variance of the density that the line explains, 0 … 1.
    public let determination: Double
    /// The correlation of the density of tokens that are two apart along an axis, −1 … 1; 0 where it is not defined.
    ///
    /// Noise of neighbouring tokens may correlate, since a tile was resized and its noise is not white; that of tokens two apart
    /// hardly does, but structures that are larger than a token do. So this is about the part of the variance that is no noise.
    public let coherence: Double
    /// The least and the greatest density of a token.
    public let range: ClosedRange<Float>

    /// R² times the coherence: the part of the density's variance that the map explains and that is no noise, 0 … 1.
    ///
    /// R² alone does not distinguish: the map of a tile of noise follows the noise, since it was made from it.
    public var explainedPart: Double { determination * max(coherence, 0) }

    /// - Parameters:
    ///   - map: the map of a tile over its tokens, `[row][column]`.
    ///   - density: the density of the tile, `[y][x]`, of the size of the map or an integer multiple of it; it is averaged over
    ///     tokens.
    /// - Throws: ``ImageError`` where the size of the density is not an integer multiple of that of the map.
    /// - Complexity: one pass over the density and a few over the map.
    public init(map: Image<Float>, density: Image<Float>) throws(ImageError) {
        let tokens = try density.means(ofCellsOf: map)
        let count = Double(tokens.count)
        let meanMap = map.values.reduce(0.0) { $0 + Double($1) } / count
        let level = tokens.reduce(0.0) { $0 + Double($1) } / count
        var (covariance, varianceMap, variance) = (0.0, 0.0, 0.0)
        for (value, token) in zip(map.values, tokens) {
            let (value, token) = (Double(value) - meanMap, Double(token) - level)
            covariance += value * token
            varianceMap += value * value
            variance += token * token
        }
        let slope = covariance / varianceMap
        // Rounding gives a constant map a variance of about 10⁻¹⁴ of its squares.
        let isConstant = !slope.isFinite || varianceMap <= 1e-12 * count * meanMap * meanMap
        mean = level.isFinite ? level : 0
        gain = isConstant ? 0 : slope
        offset = isConstant ? mean : mean - slope * meanMap
        let share = isConstant ? 0 : covariance * covariance / (varianceMap * variance)
        determination = share.isFinite ? min(share, 1) : 0
        coherence = Self.coherence(of: tokens, height: map.height, width: map.width, mean: level, variance: variance / count)
        range = Image(uncheckedHeight: map.height, width: map.width) { _ = $0.initialize(from: tokens) }.finiteRange ?? 0...0
    }

    /// The part of its contrast that the map should keep: all of it from a least ``explainedPart`` on, and less in proportion
    /// below. 1 where the least part is 0.
    public func contrast(floor: Double) -> Double { floor > 0 ? min(explainedPart / floor, 1) : 1 }

    /// The density that the line gives for each token, `[row][column]`; not beyond the densities that there are. NaN becomes the
    /// mean.
    ///
    /// - Parameter contrast: the part of the contrast that is kept, 0 … 1: with 0 the result is the mean density.
    /// - Complexity: one pass over the map.
    public func callAsFunction(_ map: Image<Float>, contrast: Double = 1) -> Image<Float> {
        map.map { value in
            let deviation = contrast * gain == 0 ? 0 : contrast * (offset + gain * Double(value) - mean)
            let density = Float(mean + (deviation.isNaN ? 0 : deviation))
            return min(max(density, range.lowerBound), range.upperBound)
        }
    }

    /// The mean product of deviations two tokens apart, along both axes, divided by the variance.
    private static func coherence(of tokens: [Float], height: Int, width: Int, mean: Double, variance: Double) -> Double {
        let distance = 2
        var (sum, pairs) = (0.0, 0)
        for y in 0..<height {
            for x in 0..<width {
                let deviation = Double(tokens[y * width + x]) - mean
                if x + distance < width {
                    sum += deviation * (Double(tokens[y * width + x + distance]) - mean)
                    pairs += 1
                }
                if y + distance < height {
                    sum += deviation * (Double(tokens[(y + distance) * width + x]) - mean)
                    pairs += 1
                }
            }
        }
        let coherence = sum / Double(pairs) / variance
        return coherence.isFinite ? min(max(coherence, -1), 1) : 0
    }
}

extension Image<Float> {
    /// The means of this image over the cells that the pixels of a smaller map are, `[row][column]`.
    ///
    /// - Throws: ``ImageError`` where the size is not an integer multiple of that of the map.
    func means(ofCellsOf map: Image<Float>) throws(ImageError) -> [Float] {
        let cell = height / map.height
        guard cell >= 1, height == cell * map.height, width == cell * map.width else {
            throw ImageError(
                .invalidSize,
                "a density of \(width) × \(height) pixels does not divide into the "
                    + "\(map.width) × \(map.height) cells of the map; resize it")
        }
        return means(ofCells: cell)
    }
}
