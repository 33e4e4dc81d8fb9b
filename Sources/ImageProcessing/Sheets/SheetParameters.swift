public import Basics
import Foundation

/// How membranes are looked for as sheets: lengths in Å, so that one set serves tomograms of different voxel sizes.
public struct SheetParameters: Hashable, Sendable {
    /// σ of the filter across a sheet.
    public var normalWidth = 17.5
    /// σ of the filters along a sheet, from long to short: the long one for flat membranes, the short one for small vesicles.
    public var tangentialWidths = [67.0, 27.0]
    /// σ of the Gaussian along a sheet over which its voxels confirm each other.
    public var votingWidth = 80.0
    /// The number of orientations, on a half sphere.
    public var normals = 48

    /// The part of the normals' mean response that is taken off: what answers to all orientations is no sheet.
    var isotropy: Float = 2
    /// The least |cos| of the angle between the normals of two voxels that confirm each other.
    var agreement = 0.9
    /// σ of that Gaussian across the sheet.
    var votingThickness = 10.8

    /// - Throws: ``ImageError`` where a length or a number is out of its range.
    public init(
        normalWidth: Double = 17.5, tangentialWidths: [Double] = [67, 27], votingWidth: Double = 80, normals: Int = 48
    ) throws(ImageError) {
        for width in [normalWidth, votingWidth] + tangentialWidths where !(1...1000).contains(width) {
            throw .parameter("a width of the search for sheets", width, mustBe: "in 1 … 1000 Å")
        }
        guard (1...4).contains(tangentialWidths.count) else {
            throw .parameter("the number of widths along a sheet", tangentialWidths.count, mustBe: "in 1 … 4")
        }
        guard (6...192).contains(normals) else {
            throw .parameter("the number of normals", normals, mustBe: "in 6 … 192")
        }
        (self.normalWidth, self.tangentialWidths) = (normalWidth, tangentialWidths)
        (self.votingWidth, self.normals) = (votingWidth, normals)
    }

    /// The normals, x y z, evenly spread over the half sphere z > 0: points of a Fibonacci spiral (R. Swinbank, R. J. Purser, *Fibonacci grids*,
    /// Q. J. R. Meteorol. Soc. 132 (2006)).
    var directions: [SIMD3<Double>] {
        let turn = Double.pi * (3 - 5.0.squareRoot())
        return (0..<normals).map { index in
            let place = Double(index) + 0.5
            let z = place / Double(normals)
            let radius = (1 - z * z).squareRoot()
            return SIMD3(radius * cos(place * turn), radius * sin(place * turn), z)
        }
    }

    /// Every how many normals a width along the sheet is tried: wide plates need all, plates that are little wider than thick every third.
    func step(ofWidth width: Double) -> Int { width < 2 * normalWidth ? 3 : 1 }
}
