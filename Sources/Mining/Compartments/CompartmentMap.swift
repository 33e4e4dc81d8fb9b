public import Basics
internal import Foundation
public import ImageProcessing
public import Volumes

/// The compartments of a tomogram, and where they are: what ``CompartmentFinder`` finds.
///
/// Places (x, y, z) are in Å from the centre of the volume's first voxel.
public struct CompartmentMap: Sendable {
    /// The compartments: that with the number n is at index n − 1.
    public let compartments: [MeasuredCompartment]
    /// The number of voxels of the volume along z, y and x.
    public let shape: VolumeShape
    /// The size of a voxel of the volume.
    public let voxelSize: VoxelSize
    /// How many voxels of the volume are one voxel of the map, along each axis.
    public let binning: Int
    /// The number of voxels of the map along z, y and x: those of the volume divided by ``binning``, rounded up.
    public let binnedShape: VolumeShape

    /// The number of each voxel's compartment `[z][y][x]`; 0 where there is none.
    private var numbers: [UInt16]
    /// The squared distances to membrane in Å².
    private let grid: CompartmentGrid
    /// The membranes before they were binned; nil where nothing is binned, or they did not fit the memory.
    private let fineMembranes: BitVolume?

    /// The place of the centre of the map's first voxel, in Å from that of the volume's first voxel.
    public var originInAngstroms: SIMD3<Double> { voxelSize.vectorInAngstroms * Double(binning - 1) / 2 }

    /// The number of the compartment at a place; nil outside of the volume or the sample, and in a membrane: no nearest
    /// compartment is guessed there.
    ///
    /// Where the volume is binned, a voxel of the map that is membrane can hold voxels of the volume that are not. Such a one
    /// belongs to the compartment of the nearest of the 26 voxels of the map around it, as long as the memory allowed to keep all
    /// membrane as it was.
    ///
    /// - Parameter place: (x, y, z) in Å from the centre of the first voxel.
    /// - Complexity: one look-up, or 27.
    public func compartment(at place: SIMD3<Double>) -> Int? {
        guard let voxel = voxel(at: place) else { return nil }
        let (x, y, z) = (voxel.x / binning, voxel.y / binning, voxel.z / binning)
        let number = numbers[(z * binnedShape.y + y) * binnedShape.x + x]
        if number > 0 { return Int(number) }
        guard let fineMembranes, grid.squares[grid.row(z: z, y: y) + x] == 0,
            !fineMembranes[z: voxel.z, y: voxel.y, x: voxel.x]
        else { return nil }
        return nearestNumber(to: place, around: (x, y, z))
    }

    /// The number of the nearest of the voxels around a voxel of the map that have one.
    private func nearestNumber(to place: SIMD3<Double>, around voxel: (x: Int, y: Int, z: Int)) -> Int? {
        var best: (number: Int, squared: Double)?
        for z in max(0, voxel.z - 1)...min(binnedShape.z - 1, voxel.z + 1) {
            for y in max(0, voxel.y - 1)...min(binnedShape.y - 1, voxel.y + 1) {
                for x in max(0, voxel.x - 1)...min(binnedShape.x - 1, voxel.x + 1) {
                    let number = numbers[(z * binnedShape.y + y) * binnedShape.x + x]
                    guard number > 0 else { continue }
                    let offset = SIMD3(Double(x), Double(y), Double(z)) * grid.edges + originInAngstroms - place
                    let squared = (offset * offset).sum()
                    if squared < best?.squared ?? .infinity { best = (Int(number), squared) }
                }
            }
        }
        return best?.number
    }

    /// The distance in Å from a place to the nearest membrane, to half a voxel of the map; 0 in a membrane, nil outside of the
    /// volume and where there is no membrane.
    ///
    /// - Parameter place: (x, y, z) in Å from the centre of the first voxel.
    /// - Complexity: one look-up.
    public func depth(at place: SIMD3<Double>) -> Double? {
        guard grid.hasMembrane, let (x, y, z) = voxel(at: place) else { return nil }
        return Double(grid.squares[grid.row(z: z / binning, y: y / binning) + x / binning].squareRoot())
    }

    /// The numbers of the compartments in a slice of the map `[y][x]`; 0 in membranes and outside of the sample.
    ///
    /// - Parameter z: the slice of the map, 0 ..< `binnedShape.z`.
    /// - Throws: ``MiningError`` where there is no such slice.
    public func labels(z: Int) throws(MiningError) -> Image<UInt16> {
        let count = binnedShape.voxelsPerSlice
        guard z >= 0, z < binnedShape.z,
            let image = Image(
                height: binnedShape.y, width: binnedShape.x, values: Array(numbers[z * count..<(z + 1) * count]))
        else { throw .parameter("the slice of a map of compartments", z, mustBe: "in 0 ..< \(binnedShape.z)") }
        return image
    }

    /// The voxel of the volume at a place; nil outside of the volume.
    private func voxel(at place: SIMD3<Double>) -> (x: Int, y: Int, z: Int)? {
        let voxel = (place / voxelSize.vectorInAngstroms + 0.5).rounded(.down)
        let sides = SIMD3(Double(shape.x), Double(shape.y), Double(shape.z))
        // False for what is no number.
        guard (0..<3).allSatisfy({ voxel[$0] >= 0 && voxel[$0] < sides[$0] }) else { return nil }
        return (Int(voxel.x), Int(voxel.y), Int(voxel.z))
    }
}

extension CompartmentMap {
    /// Measures compartments.
    ///
    /// - Parameters:
    ///   - grid: its labels are the numbers of compartments, in any order. It is empty afterwards.
    ///   - gaps: the squared distance to membrane at the widest gap of each compartment, and the part of its surface that is gap.
    init(
        measuring grid: inout CompartmentGrid, _ gaps: [(square: Float, openPart: Double)], _ shape: VolumeShape,
        _ voxelSize: VoxelSize, _ rule: MeetingRule, _ fineMembranes: BitVolume?,
        check: () throws -> Void
    ) throws {
        let sums = try CompartmentSums(grid, count: gaps.count, check: check).sums
        let labels = try Self.numbers(in: grid, check)
        let contacts = try MembraneContacts(&grid, count: gaps.count, check: check)
        // The outer one, then the largest.
        let amounts = zip(sums, contacts.amounts).map { Double($0.amount) + $1 }
        func isLarger(_ a: Int, _ b: Int) -> Bool { (amounts[a], b) > (amounts[b], a) }
        let outer = sums.indices.filter { sums[$0].isCut }.min(by: isLarger)
        let order = sums.indices.sorted { a, b in (a == outer) != (b == outer) ? a == outer : isLarger(a, b) }
        var numbers = [Int](repeating: 0, count: order.count)
        for (place, index) in order.enumerated() { numbers[index] = place + 1 }
        let nesting = CompartmentNesting(contacts: contacts.areas, roots: order)
        let crofton = CroftonWeights(grid.edges)

        compartments = order.map { index in
            let (sum, gap) = (sums[index], rule.gap(gaps[index].square))
            let state: MeasuredCompartment.State =
                index == outer ? .outer : sum.isCut ? .cut : rule.isClosed(gap) ? .closed : .open
            let unit = grid.amountInCubicNanometers
            let volume = amounts[index] * unit
            let area = Self.area(crofton.area(sum.crossings) / 100, of: Double(sum.amount) * unit, grownTo: volume)
            let (lower, upper) = Self.box(sum, grid, shape, voxelSize)
            return MeasuredCompartment(
                number: numbers[index], state: state, gapInAngstroms: gap, parent: nesting.parents[index].map { numbers[$0] },
                level: nesting.levels[index], volumeInCubicNanometers: volume, surfaceAreaInSquareNanometers: area,
                sphericity: sum.isCut || area <= 0 ? nil : Self.sphericity(volume, area),
                centroidInAngstroms: sum.first / Double(max(1, sum.amount)) * grid.edges
                    + voxelSize.vectorInAngstroms * Double(grid.binning - 1) / 2,
                lowerInAngstroms: lower, upperInAngstroms: upper,
                depthInAngstroms: grid.hasMembrane ? Double(sum.peak.squareRoot()) : nil,
                membraneVoxels: contacts.voxels[index], openPart: gaps[index].openPart)
        }
        self.numbers = labels
        self.numbers.withUnsafeMutableBufferPointer { labels in
            for index in labels.indices where labels[index] > 0 {
                labels[index] = UInt16(truncatingIfNeeded: numbers[Int(labels[index]) &- 1])
            }
        }
        self.shape = shape
        self.voxelSize = voxelSize
        binning = grid.binning
        binnedShape = grid.shape
        self.fineMembranes = fineMembranes
        // Only distances are looked up.
        (grid.labels, grid.amounts) = ([], [])
        self.grid = grid
        grid.squares = []
    }

    /// The positive labels of a grid, without its border.
    private static func numbers(in grid: CompartmentGrid, _ check: () throws -> Void) rethrows -> [UInt16] {
        var numbers = [UInt16](repeating: 0, count: grid.shape.count)
        try numbers.withUnsafeMutableBufferPointer { numbers in
            for z in 0..<grid.shape.z {
                try check()
                for y in 0..<grid.shape.y {
                    let (row, target) = (grid.row(z: z, y: y), (z * grid.shape.y + y) * grid.shape.x)
                    for x in 0..<grid.shape.x { numbers[target &+ x] = UInt16(truncatingIfNeeded: max(0, grid.labels[row &+ x])) }
                }
            }
        }
        return numbers
    }

    /// The area in nm² of a body that grows by a layer of even thickness δ to a larger volume: V' = V + A δ + M δ² + 4π/3 δ³ and
    /// A' = A + 2 M δ + 4π δ² (J. Steiner, 1840) with the mean curvature M = √(4π A), of a ball (for a flat disc it is a tenth
    /// more).
    ///
    /// In a binned volume, what is free of the voxels of membrane belongs to the volume, but not to the surface that was
    /// measured.
    private static func area(_ area: Double, of volume: Double, grownTo larger: Double) -> Double {
        guard larger > volume, area > 0 else { return area }
        let curvature = (4 * .pi * area).squareRoot()
        var thickness = 0.0
        for _ in 0..<8 {
            // The steps of Newton's method from below: the volume is convex, so that the first may go too far, and no later one.
            let grown = volume + thickness * (area + thickness * (curvature + thickness * 4 / 3 * .pi))
            thickness -= (grown - larger) / (area + thickness * (2 * curvature + thickness * 4 * .pi))
        }
        return area + thickness * (2 * curvature + thickness * 4 * .pi)
    }

    private static func sphericity(_ volume: Double, _ area: Double) -> Double {
        let ball = 6 * volume
        return cbrt(.pi * ball * ball) / area
    }

    /// The corners in Å of the box of whole voxels of the volume.
    private static func box(
        _ sum: CompartmentSums.Sums, _ grid: CompartmentGrid, _ shape: VolumeShape, _ voxelSize: VoxelSize
    ) -> (SIMD3<Double>, SIMD3<Double>) {
        let sides = SIMD3(shape.x, shape.y, shape.z)
        let ends = pointwiseMin((sum.maximum &+ 1) &* grid.binning, sides)
        return (
            (SIMD3<Double>(sum.minimum &* grid.binning) - 0.5) * voxelSize.vectorInAngstroms,
            (SIMD3<Double>(ends) - 0.5) * voxelSize.vectorInAngstroms
        )
    }
}
