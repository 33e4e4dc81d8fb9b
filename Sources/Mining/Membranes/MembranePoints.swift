public import Basics
import Foundation
import ImageProcessing
public import Volumes

/// The places on the centre surfaces of a tomogram's membranes, each with the number of its piece: what ``MembraneMeasurement``
/// measures.
///
/// They are added slice by slice as ``CentreSurface`` codes, or one by one, at 20 bytes each. Where there are too many, a random half is
/// kept, then a quarter, and so on: which one depends on the places alone.
public struct MembranePoints: Sendable {
    /// The number of voxels along z, y and x.
    public let shape: VolumeShape
    /// The size of a voxel.
    public let voxelSize: VoxelSize
    /// The number of places.
    public var count: Int { places.count }

    /// In Å from the centre of the first voxel.
    private(set) var places: [SIMD3<Float>] = []
    private(set) var pieces: [Int32] = []
    private let mostPlaces: Int
    /// How often half of the places were left out.
    private(set) var halvings: UInt32 = 0

    /// - Parameter mostPlaces: the most places that are kept; at least 1000 are, whatever it is.
    public init(shape: VolumeShape, voxelSize: VoxelSize, mostPlaces: Int = Int(Int32.max)) {
        (self.shape, self.voxelSize) = (shape, voxelSize)
        self.mostPlaces = min(max(mostPlaces, 1000), Int(Int32.max))
    }

    /// The edges in Å of the voxels of which each would have a place, if those that are kept lay as in a whole surface.
    var edges: SIMD3<Double> { voxelSize.vectorInAngstroms * exp2(Double(halvings) / 2) }

    /// Adds a slice of the centre surface.
    ///
    /// - Parameters:
    ///   - codes: the ``CentreSurface`` codes, `[y][x]`. What is no code is left out.
    ///   - z: the number of the slice, in any order, each once.
    ///   - pieces: for each voxel the number of its piece, from 1; 0 is left out. Nil where all are piece 1.
    /// - Throws: ``MiningError`` where the slice does not fit the volume.
    public mutating func add(codes: [UInt8], z: Int, pieces: [Int32]? = nil) throws(MiningError) {
        guard codes.count == shape.voxelsPerSlice, pieces.map({ $0.count == codes.count }) ?? true, (0..<shape.z).contains(z)
        else {
            throw MiningError(
                .invalidSize,
                "slice \(z) of \(codes.count) voxels does not fit a volume of \(shape) voxels; give codes and pieces of its slices"
            )
        }
        for index in codes.indices where codes[index] != 0 {
            guard let offset = CentreSurface.offset(of: codes[index]) else { continue }
            let piece = pieces?[index] ?? 1
            guard piece > 0 else { continue }
            let voxel = SIMD3(Double(index % shape.x), Double(index / shape.x), Double(z))
            try add(voxel + offset, piece: piece)
        }
    }

    /// Adds a place.
    ///
    /// - Parameter place: x, y, z in voxels from the centre of the first voxel.
    /// - Throws: ``MiningError`` where it is not finite or beyond the volume, or the piece is less than 1.
    public mutating func add(_ place: SIMD3<Double>, piece: Int32) throws(MiningError) {
        let sides = SIMD3(Double(shape.x), Double(shape.y), Double(shape.z))
        for axis in 0..<3 where !(place[axis] >= -0.5 && place[axis] <= sides[axis] - 0.5) {
            throw MiningError(
                .invalidInput,
                "a place of a membrane at (\(place.x), \(place.y), \(place.z)) lies beyond a volume of \(shape) voxels; "
                    + "give places in voxels")
        }
        guard piece > 0 else { throw .parameter("the number of a piece of membrane", piece, mustBe: "at least 1") }
        let position = SIMD3<Float>(place * voxelSize.vectorInAngstroms)
        guard halvings == 0 || Self.rank(position) >> (32 - halvings) == 0 else { return }
        places.append(position)
        pieces.append(piece)
        while places.count > mostPlaces, halvings < 31 {
            halvings += 1
            let shift = 32 - halvings
            keep { place, _ in Self.rank(place) >> shift == 0 }
        }
    }

    /// Gives pieces other numbers, such as where parts of pieces were found to be one.
    ///
    /// - Parameter number: the new number of each; what is less than 1 is left out.
    public mutating func renumber(_ number: (Int32) -> Int32) {
        for index in pieces.indices { pieces[index] = number(pieces[index]) }
        keep { _, piece in piece > 0 }
    }

    private mutating func keep(_ isKept: (SIMD3<Float>, Int32) -> Bool) {
        var count = 0
        for index in places.indices where isKept(places[index], pieces[index]) {
            (places[count], pieces[count]) = (places[index], pieces[index])
            count += 1
        }
        places.removeSubrange(count...)
        pieces.removeSubrange(count...)
    }

    /// A number that is as good as random, from the place itself, so that the order in which places are given changes nothing.
    static func rank(_ place: SIMD3<Float>) -> UInt32 {
        let bits = UInt64(place.x.bitPattern) | UInt64(place.y.bitPattern) << 32
        var random = RandomStream(state: bits ^ UInt64(place.z.bitPattern) &* 0x9e37_79b9_7f4a_7c15)
        return UInt32(truncatingIfNeeded: random.next() >> 32)
    }
}
