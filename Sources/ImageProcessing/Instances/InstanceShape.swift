import Foundation

/// Size, place and form of the pixels that have one label.
///
/// Properties are those of scikit-image's `regionprops`, unless they say otherwise.
public struct InstanceShape: Sendable, Hashable {
    public let label: Int32
    /// The number of pixels.
    public let area: Int
    /// The smallest rectangle that holds all of them.
    public let box: ImageRegion
    /// The mean of the pixels' x, in pixels from the centre of the first.
    public let x: Double
    /// The mean of the pixels' y, in pixels from the centre of the first.
    public let y: Double
    /// The variance of the pixels' x.
    public let varianceX: Double
    /// The variance of the pixels' y.
    public let varianceY: Double
    /// The covariance of the pixels' x and y.
    public let covariance: Double
    /// The length of the outline in pixels, by counting straight, diagonal and mixed steps: K. Benkrid, D. Crookes, *Design
    /// and FPGA implementation of a perimeter estimator*, 2000, as scikit-image's `perimeter` has it; 0 for up to four
    /// pixels in a block.
    public let perimeter: Double

    /// The diameter of the disc of the same area.
    public var equivalentDiameter: Double { (4 * Double(area) / .pi).squareRoot() }

    /// The larger and the smaller variance, along the principal axes.
    public var principalVariances: (larger: Double, smaller: Double) {
        let mean = (varianceX + varianceY) / 2
        let half = ((varianceX - varianceY) * (varianceX - varianceY) / 4 + covariance * covariance).squareRoot()
        return (mean + half, max(0, mean - half))
    }

    /// The longer axis of the ellipse with the same variances.
    public var majorAxis: Double { 4 * principalVariances.larger.squareRoot() }
    /// The shorter axis of the ellipse with the same variances.
    public var minorAxis: Double { 4 * principalVariances.smaller.squareRoot() }

    /// √(1 − smaller ÷ larger variance): 0 for a disc, near 1 for a line; 0 for a pixel.
    public var eccentricity: Double {
        let (larger, smaller) = principalVariances
        return larger == 0 ? 0 : max(0, 1 - smaller / larger).squareRoot()
    }

    /// The shorter over the longer axis, of pixels that are squares and not points: 1/12 is added to the variances, as
    /// MATLAB's `regionprops` does, so that a line one pixel wide has a width. 1 for a disc and for a pixel.
    public var aspectRatio: Double {
        let (larger, smaller) = principalVariances
        return ((smaller + 1 / 12) / (larger + 1 / 12)).squareRoot()
    }

    /// 4πA/P² with the ``perimeter``: near 1 for a disc, less for what is long or ragged. Small shapes have short perimeters:
    /// what exceeds 1 counts as 1.
    public var circularity: Double {
        perimeter > 0 ? min(1, 4 * .pi * Double(area) / (perimeter * perimeter)) : 1
    }

    /// The area over that of the ellipse with the same variances (of squares, as for ``aspectRatio``): 1 for ellipses, less for
    /// rings, crescents and what is scattered.
    public var ellipseFill: Double {
        let (larger, smaller) = principalVariances
        return Double(area) / (4 * .pi * ((larger + 1 / 12) * (smaller + 1 / 12)).squareRoot())
    }
}
