/// The voxel size that attributes of a dataset, or else of its file, give. HDF5 has no convention of its own; these
/// are in use, and what is ambiguous is left out, as a wrong voxel size is worse than none.
struct HDF5VoxelSize {
    let value: VoxelSize?
    /// How it was understood.
    let notes: [String]

    /// An attribute that may hold a voxel size: one number, or three in the order z, y, x.
    private struct Convention {
        let attribute: String
        /// The unit where no other attribute gives it, or nil where it is then not to be trusted.
        let usualUnitInAngstroms: Double?
    }

    private static let conventions = [
        Convention(attribute: "voxel_size", usualUnitInAngstroms: 1),
        Convention(attribute: "pixel_size", usualUnitInAngstroms: 1),
        // ilastik and PlantSeg write micrometres and say so in the name.
        Convention(attribute: "element_size_um", usualUnitInAngstroms: 10_000),
        // Nanometres in some programs, micrometres or factors in others.
        Convention(attribute: "resolution", usualUnitInAngstroms: nil),
    ]

    private static let unitsInAngstroms: [String: Double] = [
        "å": 1, "a": 1, "ang": 1, "angstrom": 1, "angstroms": 1, "ångström": 1,
        "nm": 10, "nanometer": 10, "nanometers": 10, "nanometre": 10, "nanometres": 10,
        "um": 10_000, "µm": 10_000, "μm": 10_000, "micrometer": 10_000, "micrometers": 10_000, "micron": 10_000,
    ]

    /// - Throws: ``HDF5Error`` where the system refused to read. An attribute that HDF5 does not understand is none of ours.
    init(dataset: HDF5Dataset) throws(HDF5Error) {
        for object in [dataset, dataset.file] as [any HDF5Object] {
            for convention in Self.conventions {
                guard let edges = try Self.edges(of: object, convention), let value = VoxelSize(edges) else { continue }
                self.value = value
                let isCubic = value.xInAngstroms == value.yInAngstroms && value.yInAngstroms == value.zInAngstroms
                self.notes = isCubic ? [] : ["the attribute '\(convention.attribute)' was read in the order z, y, x"]
                return
            }
        }
        value = nil
        notes = []
    }

    /// The edges in Å in the order z, y, x.
    private static func edges(of object: any HDF5Object, _ convention: Convention) throws(HDF5Error) -> [Double]? {
        func attribute(_ name: String) throws(HDF5Error) -> HDF5AttributeValue? {
            do throws(HDF5Error) {
                return try object.attributeNames().contains(name) ? object.readAttribute(name) : nil
            } catch {
                guard error.systemError == nil else { throw error }
                return nil
            }
        }
        let edges: [Double]
        switch try attribute(convention.attribute) {
        case .reals(let values, _): edges = values
        case .integers(let values, _): edges = values.map { Double($0) }
        default: return nil
        }
        var scale = convention.usualUnitInAngstroms
        for name in ["\(convention.attribute)_unit", "unit", "units"] {
            guard case .string(let unit)? = try attribute(name) else { continue }
            scale = unitsInAngstroms[unit.lowercased()]
            break
        }
        guard let scale else { return nil }
        return edges.map { $0 * scale }
    }
}

extension VoxelSize {
    /// One edge of a cube, or three in the order z, y, x.
    fileprivate init?(_ edges: [Double]) {
        switch edges.count {
        case 1: self.init(cubicInAngstroms: edges[0])
        case 3: self.init(xInAngstroms: edges[2], yInAngstroms: edges[1], zInAngstroms: edges[0])
        default: return nil
        }
    }
}
