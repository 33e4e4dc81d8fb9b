import CatalogSchema
import ImageProcessing
import Metrics
import Mining
import Volumes

/// The pieces of those classes that are sheets, with what is more to say of them than of other objects (`v_membrane`).
///
/// Places of the centre surfaces are added slice by slice, each with the part of an object that its voxel is; then the pieces are measured, in a
/// second pass over the densities around them.
struct MeasuredSheets {
    private let surfaces: CentreSurfaces
    private let parameters: MembraneParameters
    private let shape: VolumeShape
    private var points: MembranePoints

    /// - Parameter memory: the most bytes that the measurement may take; of more places a random part is measured.
    init(
        _ surfaces: CentreSurfaces, shape: VolumeShape, voxelSize: VoxelSize, spacingLimitInAngstroms: Double, memory: Int
    ) throws {
        (self.surfaces, self.shape) = (surfaces, shape)
        parameters = try MembraneParameters(spacingLimitInAngstroms: spacingLimitInAngstroms)
        points = MembranePoints(
            shape: shape, voxelSize: voxelSize, mostPlaces: memory / MembraneMeasurement.bytesPerPlace)
    }

    /// Adds the places of a slice.
    ///
    /// - Parameters:
    ///   - labels: what each voxel is, `[y][x]`.
    ///   - parts: ``ObjectMeasurement/partsOfLastSlice`` of them.
    /// - Complexity: reads the codes of the slice once for each class that is a sheet.
    mutating func add(_ labels: Image<UInt8>, parts: [Int32], z: Int) throws {
        for sheet in surfaces.sheets {
            let codes = try surfaces.codes(ofLabel: sheet, z, shape: shape)
            // Where another class lies over the sheet, that one counts.
            let pieces = labels.values.indices.map { labels.values[$0] == UInt8(sheet) ? parts[$0] : 0 }
            try points.add(codes: codes.values, z: z, pieces: pieces)
        }
    }

    /// What is found of each piece, by the position of its object among those that were measured.
    ///
    /// - Parameters:
    ///   - position: the position of the object that a part belongs to; nil for none.
    ///   - density: the densities of a slice, `[y][x]`.
    /// - Complexity: see ``MembraneMeasurement``; reads the slices of density that lie near a place.
    mutating func finish(
        position: (Int32) -> Int?, density: (Int) throws -> [Float], check: () throws -> Void
    ) throws -> [Int: FoundObject.Membrane] {
        points.renumber { position($0).map { Int32($0 + 1) } ?? 0 }
        guard points.count > 0 else { return [:] }
        var measurement = try MembraneMeasurement(points, parameters: parameters, check: check)
        for z in 0..<shape.z where measurement.needs(z: z) {
            try check()
            try measurement.add(density: density(z), z: z)
        }
        return Dictionary(uniqueKeysWithValues: measurement.finish().map { ($0.piece - 1, FoundObject.Membrane($0)) })
    }
}

extension FoundObject.Membrane {
    fileprivate init(_ found: MeasuredMembrane) {
        self.init(
            places: found.points, curvedPlaces: found.meanCurvature?.count ?? 0,
            areaInSquareNanometers: found.areaInSquareAngstroms.map { $0 / 100 },
            meanCurvature: found.meanCurvature.map { .init($0, times: 10) },
            gaussianCurvature: found.gaussianCurvature.map { .init($0, times: 100) },
            roughnessInAngstroms: found.roughnessInAngstroms, thicknessInAngstroms: found.profile?.thicknessInAngstroms,
            thicknessMethod: found.profile?.method.map { $0 == .leaflets ? .leaflets : .halfDepth },
            profile: found.profile.map { .init(stepInAngstroms: $0.stepInAngstroms, densities: $0.densities) },
            spacing: found.spacingInAngstroms.map { .init($0, times: 1) }, neighbouredPart: found.neighbouredPart,
            otherPart: found.otherPiecePart)
    }
}

extension FoundObject.Spread {
    /// - Parameter factor: of units, positive.
    fileprivate init(_ quartiles: MembraneQuartiles, times factor: Double) {
        self.init(median: quartiles.median * factor, lower: quartiles.lower * factor, upper: quartiles.upper * factor)
    }
}
