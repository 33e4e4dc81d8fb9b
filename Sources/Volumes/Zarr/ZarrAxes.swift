import Basics

/// Which axis of a zarr array is z, which y and which x.
///
/// The specification says that the list of axes has the order of the array's dimensions, so the names decide: an array
/// whose axes are named x, y, z is transposed to `[z][y][x]`. Where x and y are not among the names, or stand twice, the
/// last axes are taken for z, y, x, which is how every writer of the field stores a tomogram.
struct ZarrAxes: Hashable, Sendable {
    /// Absent where the array is one image.
    let z: Int?
    let y: Int
    let x: Int
    /// How the axes were understood where that is not plain, for people.
    let note: String?

    /// - Throws: `.unsupported` where an axis that is neither z, y nor x has more than one entry.
    init(names: [String]?, shape: [Int], path: String) throws(VolumeError) {
        let names = names?.map { $0.lowercased() } ?? []
        func places(_ name: String) -> [Int] { names.indices.filter { names[$0] == name } }
        let (z, y, x) = (places("z"), places("y"), places("x"))
        if names.count == shape.count, z.count <= 1, y.count == 1, x.count == 1 {
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

    /// Values along the array's axes in the order z, y, x; 1 for a z axis that the array does not have.
    func ordered<Value: ExpressibleByIntegerLiteral>(_ values: [Value]) -> (z: Value, y: Value, x: Value) {
        (z.map { values[$0] } ?? 1, values[y], values[x])
    }
}
