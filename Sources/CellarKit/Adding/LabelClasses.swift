import Catalog

/// Which values of a label volume are which classes.
enum LabelClasses: Sendable {
    /// These, and it is odd where one has no voxel.
    case named([(name: String, value: Int64)])
    /// Those of a list that have a voxel: what a collection gives for all its label volumes.
    case present([(name: String, value: Int64)])
    /// One class, whose voxels have one value besides 0: 1, or the label that the collection gives the class.
    case single(String, label: Int64?)

    /// The classes of a volume.
    ///
    /// - Parameters:
    ///   - values: that its voxels have; nil where they are no whole numbers.
    ///   - path: for the message.
    /// - Throws: `CatalogError` where they cannot be told.
    func classes(of values: [Int64]?, path: String) throws(CatalogError) -> [(name: String, value: Int64)] {
        let values = values?.filter { $0 != 0 }
        switch self {
        case .named(let classes): return classes
        case .present(let classes):
            guard let values else { return classes }
            let present = classes.filter { values.contains($0.value) }
            guard !present.isEmpty || values.isEmpty else {
                throw CatalogError(
                    .invalid,
                    "\(path) has the values \(Self.list(values)), and none of them is the label of an object; correct the labels of the "
                        + "project's pickable_objects")
            }
            // An annotation without a voxel says that nothing of its classes is there.
            return present.isEmpty ? classes : present
        case .single(let name, let label):
            guard let values, !values.isEmpty else { return [(name, label ?? 1)] }
            guard values.count == 1 else {
                throw CatalogError(
                    .invalid,
                    "\(path) is of one class, \(name), and has the values \(Self.list(values)); a mask has one besides 0")
            }
            return [(name, values[0])]
        }
    }

    /// Some values, for a sentence.
    static func list(_ values: [Int64]) -> String {
        values.sorted().prefix(8).map { "\($0)" }.joined(separator: ", ") + (values.count > 8 ? ", …" : "")
    }
}
