import Basics

/// An OME-Zarr image: one volume at several resolutions, as the attributes of a zarr group describe it.
///
/// Source: the OME-Zarr specification, versions 0.4 and 0.5, "multiscales" metadata. Of versions 0.1 to 0.3, and of the drafts of
/// version 0.6, the parts that are the same are read.
struct MultiscaleImage: Decodable, Sendable {
    let name: String?
    /// Absent in versions 0.1, 0.2 and 0.6.
    private let axes: [Axis]?
    /// Version 0.6: the axes of what the transformations of the datasets lead to.
    private let coordinateSystems: [CoordinateSystem]?
    /// The resolutions, the highest first.
    let datasets: [Dataset]
    /// Transformations that apply to all datasets, after the dataset's own ones.
    private let coordinateTransformations: [Transformation]?

    private struct CoordinateSystem: Decodable, Sendable {
        let axes: [Axis]?
    }

    struct Axis: Decodable, Sendable {
        let name: String
        let unit: String?

        init(from decoder: any Decoder) throws {
            // In version 0.3, an axis is only its name.
            if let name = try? decoder.singleValueContainer().decode(String.self) {
                self.name = name
                self.unit = nil
            } else {
                let container = try decoder.container(keyedBy: Key.self)
                self.name = try container.decode(String.self, forKey: .name)
                self.unit = try container.decodeIfPresent(String.self, forKey: .unit)
            }
        }

        private enum Key: String, CodingKey {
            case name, unit
        }
    }

    struct Dataset: Decodable, Sendable {
        /// The path of the array, relative to the group.
        let path: String
        let coordinateTransformations: [Transformation]?
    }

    struct Transformation: Decodable, Sendable {
        let type: String
        let scale: [Double]?
        /// The parts of a `sequence` (version 0.6).
        let transformations: [Transformation]?

        /// The transformation itself, or the parts of a sequence. Sequences do not nest.
        var parts: [Transformation] { type == "sequence" ? transformations ?? [] : [self] }
    }

    /// One axis for each axis of the arrays, in their order; nil where the metadata give none.
    var arrayAxes: [Axis]? { axes ?? coordinateSystems?.first?.axes }

    /// The type of a transformation of a dataset that is more than a scale and a shift, such as `rotation`; nil if there is none.
    func otherTransformation(of dataset: Dataset) -> String? {
        dataset.coordinateTransformations?.flatMap(\.parts).map(\.type).first {
            !["scale", "translation", "identity"].contains($0)
        }
    }

    /// The scale of a dataset along each axis of its array: its own scale times the image's. Nil if there is none, or none
    /// for this number of axes.
    func scale(of dataset: Dataset, axisCount: Int) -> [Double]? {
        // In version 0.6, the image's own transformations lead on to other coordinate systems.
        let lists = [dataset.coordinateTransformations, coordinateSystems == nil ? coordinateTransformations : nil]
        let scales = lists.compactMap { list in list?.flatMap(\.parts).first { $0.type == "scale" }?.scale }
        guard !scales.isEmpty, scales.allSatisfy({ $0.count == axisCount }) else { return nil }
        return (0..<axisCount).map { axis in scales.map { $0[axis] }.reduce(1, *) }
    }
}

/// The indices of the axes z, y and x of a zarr array.
///
/// The specification says that the list of axes has the order of the array's dimensions, so the names decide: an array
/// whose axes are named x, z, y is transposed to `[z][y][x]`. There is one exception. Early stores of the CryoET Data Portal name
/// the axes x, y, z over an array that is z, y, x. So axes named x, y, z are taken for z, y, x, unless the last one is shorter
/// than the first: z is the short axis of a tomogram. If the names x and y are missing or occur twice, the last axes are z, y, x:
/// every program of the field stores a tomogram so.
struct ZarrAxes: Hashable, Sendable {
    /// Nil if the array is a single image.
    let z: Int?
    let y: Int
    let x: Int
    /// A sentence for people that says how the axes were understood; nil if they are in the usual order.
    let note: String?

    /// - Throws: ``VolumeError``, `.unsupported`, where an axis that is neither z, y nor x has more than one entry.
    init(names: [String]?, shape: [Int], path: String) throws(VolumeError) {
        let names = names?.map { $0.lowercased() } ?? []
        func places(_ name: String) -> [Int] { names.indices.filter { names[$0] == name } }
        let (z, y, x) = (places("z"), places("y"), places("x"))
        if names.count == shape.count, shape.count >= 3, Array(names.suffix(3)) == ["x", "y", "z"], z.count == 1, y.count == 1,
            x.count == 1, shape[z[0]] >= shape[x[0]]
        {
            (self.z, self.y, self.x) = (x[0], y[0], z[0])
            note = "the axes are named x, y, z, and were taken for z, y, x, as the CryoET Data Portal stored them"
        } else if names.count == shape.count, z.count <= 1, y.count == 1, x.count == 1 {
            self.z = z.first
            self.y = y[0]
            self.x = x[0]
            let isUsual = y[0] < x[0] && (z.first.map { $0 < y[0] } ?? true)
            note =
                isUsual
                ? nil
                : "the axes are stored as \(names.joined(separator: ", ")) and were put into the order z, y, x by their names"
        } else {
            self.z = shape.count >= 3 ? shape.count - 3 : nil
            self.y = shape.count - 2
            self.x = shape.count - 1
            note =
                names.isEmpty ? nil : "the axes are named \(names.joined(separator: ", ")); the last ones were taken for z, y, x"
        }
        let chosen = [self.z, self.y, self.x]
        if let other = shape.indices.first(where: { !chosen.contains($0) && shape[$0] != 1 }) {
            throw VolumeError(
                .unsupported,
                "has \(shape[other]) entries along axis \(other) beside z, y and x, where one is read; write one volume for each",
                path: path)
        }
    }

    /// Reorders values from the array's axes to (z, y, x). The value for z is 1 if the array has no z axis.
    func ordered<Value: ExpressibleByIntegerLiteral>(_ values: [Value]) -> (z: Value, y: Value, x: Value) {
        (z.map { values[$0] } ?? 1, values[y], values[x])
    }
}

extension VoxelSize {
    /// The voxel size of one resolution of an OME-Zarr image, and notes for people.
    ///
    /// A scale without a unit is in Å, as in the stores of the field. If all scales at the highest resolution are 1 and have
    /// no unit, there is no voxel size: programs write this when they do not know it.
    static func read(
        from image: MultiscaleImage, dataset: MultiscaleImage.Dataset, axes: ZarrAxes, axisCount: Int
    ) -> (voxelSize: VoxelSize?, notes: [String]) {
        if let other = image.otherTransformation(of: dataset) {
            return (
                nil, ["the voxel size and the transformation were ignored: \(other) is not read, voxels are as they are stored"]
            )
        }
        guard let scale = image.scale(of: dataset, axisCount: axisCount) else { return (nil, []) }
        let axisUnits = image.arrayAxes?.map(\.unit) ?? []
        let units = axisUnits.count == axisCount ? axisUnits : Array(repeating: nil, count: axisCount)
        let spatial = [axes.z, axes.y, axes.x].compactMap(\.self)

        var angstroms = scale
        for axis in spatial {
            guard let unit = units[axis] else { continue }
            guard let length = LengthUnit(named: unit) else {
                return (nil, ["the voxel size was ignored: its unit \"\(unit)\" is not known"])
            }
            angstroms[axis] *= length.inAngstroms
        }
        let lacksUnits = spatial.contains { units[$0] == nil }
        if lacksUnits, let finest = image.datasets.first, let scale = image.scale(of: finest, axisCount: axisCount),
            spatial.allSatisfy({ scale[$0] == 1 })
        {
            return (nil, ["the voxel size was ignored: a scale of 1 without a unit is a count of voxels"])
        }
        let (storedZ, y, x) = axes.ordered(angstroms)
        // A single image has no scale along z: the one along x is used.
        let z = axes.z == nil ? x : storedZ
        guard let size = VoxelSize(xInAngstroms: x, yInAngstroms: y, zInAngstroms: z) else {
            return (nil, ["the voxel size was ignored: \(x) × \(y) × \(z) Å is not plausible"])
        }
        return (size, lacksUnits ? ["the voxel size has no unit and was taken for Å"] : [])
    }
}
