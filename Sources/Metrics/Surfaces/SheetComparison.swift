public import Basics
import Dispatch
public import ImageProcessing
public import Volumes

/// Compares the centre surfaces of two masks of sheets, such as membranes, and measures how thick both are. Masks are added slice
/// by slice.
///
/// ```swift
/// var comparison = try SheetComparison(shape: shape, voxelSize: voxelSize)
/// for z in 0..<shape.z { try comparison.add(prediction: prediction(z), truth: truth(z)) }
/// let agreement = try comparison.finish()
/// print(agreement.dice, agreement.prediction.thicknessInAngstroms, agreement.truth.thicknessInAngstroms)
/// ```
///
/// How thick a membrane is drawn is a convention: masks of any thickness around the same centre surface (``CentreSurfaceFinder``)
/// agree. Memory is that of two finders and some slices, whatever the number of slices.
public struct SheetComparison: Sendable {
    /// The number of voxels along z, y and x.
    public let shape: VolumeShape
    /// How far surfaces may be apart, in lengths of a voxel.
    public let toleranceInVoxels: Double

    private let voxelSize: VoxelSize
    /// Sheets of a few voxels, whose volume gives the area of a surface.
    private let drawings: [SheetDrawing]
    private let search: PlaceSearch
    /// The prediction and the truth.
    private var sides: [Side]
    /// Where voxels count, in the slices from ``next`` on.
    private var regions: [PackedSlice] = []
    /// The number of slices that were added, and of those that were compared.
    private var (added, next) = (0, 0)

    /// The thicknesses of the sheets that areas are measured by, in lengths of a voxel. A flat sheet along the grid is drawn in
    /// whole voxels: for one of three voxels that would be three or four, whether its middle lies in voxels or between them; for
    /// both of these together it is six.
    private static let measuringThicknesses = [2.5, 3.5]

    /// The slices that are compared at a time.
    private static let blockHeight = 16

    /// What counts of one side.
    private struct Counts: Sendable {
        var places = 0
        var agreeing = 0
        /// Of the mask, and of the sheets that are drawn around its centre surface.
        var voxels = 0
        var drawn = 0
    }

    /// The mask of one side.
    private struct Side: Sendable {
        var finder: CentreSurfaceFinder
        /// The masks that are not compared yet.
        var masks: [PackedSlice] = []
        /// The slices of the centre surface from ``first`` on that are still needed.
        var codes: [Image<UInt8>] = []
        var first = 0
        var counts = Counts()

        mutating func add(_ mask: Mask) throws(ImageError) {
            masks.append(PackedSlice(mask))
            codes += try finder.add(mask)
        }

        /// Forgets the centre surface before a slice.
        mutating func forget(before z: Int) {
            let unneeded = max(0, min(z - first, codes.count))
            codes.removeFirst(unneeded)
            first += unneeded
        }
    }

    /// - Parameter toleranceInVoxels: how far surfaces may be apart, in lengths of a voxel (the mean of its edges), 0 … 20.
    /// - Throws: ``MetricsError`` where the tolerance is none of these, or a voxel is longer than 1000 Å.
    public init(shape: VolumeShape, voxelSize: VoxelSize, toleranceInVoxels: Double = 1) throws(MetricsError) {
        guard (0...20).contains(toleranceInVoxels) else {
            throw .parameter("the tolerance of centre surfaces", toleranceInVoxels, mustBe: "in 0 … 20 voxels")
        }
        (self.shape, self.voxelSize, self.toleranceInVoxels) = (shape, voxelSize, toleranceInVoxels)
        drawings = try withMetricsError { () throws(ImageError) in
            var drawings: [SheetDrawing] = []
            for thickness in Self.measuringThicknesses {
                drawings.append(
                    try SheetDrawing(
                        shape: shape, voxelSize: voxelSize,
                        thicknessInAngstroms: min(1000, thickness * voxelSize.meanInAngstroms)))
            }
            return drawings
        }
        search = PlaceSearch(voxelSize, tolerance: toleranceInVoxels * voxelSize.meanInAngstroms)
        let side = Side(finder: CentreSurfaceFinder(shape: shape, voxelSize: voxelSize))
        sides = [side, side]
    }

    /// Adds the next slice.
    ///
    /// - Parameter region: where voxels and surfaces count; nil for everywhere. Surfaces elsewhere still are what others may lie
    ///   near.
    /// - Throws: ``MetricsError`` where a mask has another size, or the volume is full.
    /// - Complexity: as ``CentreSurfaceFinder/add(_:)``, for both masks.
    public mutating func add(prediction: Mask, truth: Mask, region: Mask? = nil) throws(MetricsError) {
        try prediction.requireSlice(added, of: shape)
        try truth.requireSlice(added, of: shape)
        try region?.requireSlice(added, of: shape)
        try withMetricsError { () throws(ImageError) in
            try sides[0].add(prediction)
            try sides[1].add(truth)
        }
        regions.append(PackedSlice(region ?? prediction.map { _ in true }))
        added += 1
        // Slices are compared when their surroundings are known, several at a time.
        let (complete, reach) = (sides[0].first + sides[0].codes.count, max(drawings.map(\.reach).max() ?? 0, search.reach.z))
        let end = complete == shape.z ? complete : complete - reach
        while next < end {
            let slices = next..<min(next + Self.blockHeight, end)
            let found = counts(in: slices)
            next = slices.upperBound
            regions.removeFirst(slices.count)
            for side in sides.indices {
                sides[side].counts = found[side]
                sides[side].masks.removeFirst(slices.count)
                sides[side].forget(before: next - reach)
            }
        }
    }

    /// The counts of both sides after some more slices, each on its own core.
    private func counts(in slices: Range<Int>) -> [Counts] {
        var result = sides.map(\.counts)
        result.withUnsafeMutableBufferPointer { result in
            // Safe, because each iteration writes its own element.
            nonisolated(unsafe) let result = result
            DispatchQueue.concurrentPerform(iterations: 2) { side in
                let (own, others) = (sides[side], sides[1 - side])
                for drawing in drawings {
                    let drawn = drawing.masks(of: slices) { own.codes[$0 - own.first] }
                    for (mask, region) in zip(drawn, regions) {
                        result[side].drawn += PackedSlice(mask).commonCount(with: region)
                    }
                }
                for (mask, (region, z)) in zip(own.masks, zip(regions, slices)) {
                    result[side].voxels += mask.commonCount(with: region)
                    own.codes[z - own.first].values.withUnsafeBufferPointer { codes in
                        for pixel in codes.indices where codes[pixel] != 0 {
                            let (y, x) = pixel.quotientAndRemainder(dividingBy: shape.x)
                            guard region[y: y, x: x] else { continue }
                            let isNear = search.isAnyNear(codes[pixel], x: x, y: y, z: z, in: others.codes, from: others.first)
                            result[side].places += 1
                            result[side].agreeing += isNear ? 1 : 0
                        }
                    }
                }
            }
        }
        return result
    }

    /// The agreement of all slices.
    ///
    /// - Throws: ``MetricsError`` where slices are missing.
    public func finish() throws(MetricsError) -> SheetAgreement {
        guard added == shape.z else { throw .missingSlices(added, of: shape) }
        let volume = voxelSize.volumeInCubicAngstroms
        let thickness = drawings.map(\.thicknessInAngstroms).reduce(0, +)
        let parts = sides.map(\.counts).map { counts in
            SheetAgreement.Side(
                places: counts.places, agreeing: counts.agreeing, volumeInCubicAngstroms: Double(counts.voxels) * volume,
                areaInSquareAngstroms: Double(counts.drawn) * volume / thickness)
        }
        return SheetAgreement(prediction: parts[0], truth: parts[1])
    }
}

/// The search for places of a centre surface near a place of another one.
private struct PlaceSearch: Sendable {
    let edges: SIMD3<Double>
    /// The greatest squared distance in Å².
    let square: Double
    /// The voxels on either side that may hold a place near one, along x, y, z.
    let reach: SIMD3<Int>

    /// - Parameter tolerance: the greatest distance in Å.
    init(_ voxelSize: VoxelSize, tolerance: Double) {
        let mean = voxelSize.meanInAngstroms
        edges = voxelSize.vectorInAngstroms
        square = tolerance * tolerance + CentreSurface.samplingExcess * mean * mean
        reach = SIMD3<Int>((square.squareRoot() / edges + 1).rounded(.down))
    }

    /// Whether a surface has a place near one.
    ///
    /// - Parameters:
    ///   - code: of the place, in the voxel x, y, z.
    ///   - slices: the slices of the surface from `first` on.
    func isAnyNear(_ code: UInt8, x: Int, y: Int, z: Int, in slices: [Image<UInt8>], from first: Int) -> Bool {
        let place = CentreSurface.offsets[Int(code)]
        for slice in max(z - reach.z, first)..<min(z + reach.z + 1, first + slices.count) {
            let surface = slices[slice - first]
            for row in max(0, y - reach.y)..<min(surface.height, y + reach.y + 1) {
                for column in max(0, x - reach.x)..<min(surface.width, x + reach.x + 1) {
                    let other = surface.values[row * surface.width + column]
                    guard other != 0 else { continue }
                    let step = SIMD3(Double(column - x), Double(row - y), Double(slice - z))
                    let away = (CentreSurface.offsets[Int(other)] + step - place) * edges
                    if (away * away).sum() <= square { return true }
                }
            }
        }
        return false
    }
}

/// How far the centre surfaces of two masks agree, and how thick the masks are: the result of ``SheetComparison``.
public struct SheetAgreement: Sendable, Hashable {
    /// One of the two masks.
    public struct Side: Sendable, Hashable {
        /// The number of places of its centre surface, about one for each voxel that this goes through.
        public let places: Int
        /// The number of those that lie near the other's centre surface.
        public let agreeing: Int
        /// The volume of the mask in Å³.
        public let volumeInCubicAngstroms: Double
        /// The area of its centre surface in Å²: the volume of sheets that are drawn some three voxels thick around it, divided
        /// by their thickness.
        public let areaInSquareAngstroms: Double

        /// The mean thickness in Å: the volume divided by the area; nil where there is no centre surface.
        public var thicknessInAngstroms: Double? {
            areaInSquareAngstroms > 0 ? volumeInCubicAngstroms / areaInSquareAngstroms : nil
        }
    }

    public let prediction: Side
    public let truth: Side

    /// The part of the prediction's centre surface that lies near the truth's; nil where it has none.
    public var precision: Double? { ratio(prediction.agreeing, prediction.places) }

    /// The part of the truth's centre surface that lies near the prediction's; nil where it has none.
    public var recall: Double? { ratio(truth.agreeing, truth.places) }

    /// The surface Dice: the part of both centre surfaces together that lies near the other one; nil where both are empty, 0
    /// where one is.
    public var dice: Double? { ratio(prediction.agreeing + truth.agreeing, prediction.places + truth.places) }
}
