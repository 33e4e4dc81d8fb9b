/// Which axis of space the columns, rows and sections of a file run along.
struct AxisOrder: Hashable, Sendable {
    enum Axis: Int, Sendable {
        case x = 1
        case y, z
    }

    /// The axis along which neighbours in the file lie.
    let columns: Axis
    let rows: Axis
    let sections: Axis

    /// Columns along x, rows along y, sections along z: how volumes lie in memory.
    static let storage = AxisOrder(columns: .x, rows: .y, sections: .z)

    private init(columns: Axis, rows: Axis, sections: Axis) {
        self.columns = columns
        self.rows = rows
        self.sections = sections
    }

    /// `mapc mapr maps` of an MRC header: a permutation of 1, 2, 3; old files leave all three zero and mean 1, 2, 3.
    init?(mrcAxes axes: [Int]) {
        if axes == [0, 0, 0] {
            self = .storage
            return
        }
        guard axes.count == 3, Set(axes).count == 3, let columns = Axis(rawValue: axes[0]), let rows = Axis(rawValue: axes[1]),
            let sections = Axis(rawValue: axes[2])
        else { return nil }
        self.init(columns: columns, rows: rows, sections: sections)
    }

    /// The number of voxels along an axis of space of a file with these columns, rows and sections.
    func count(along axis: Axis, of file: (columns: Int, rows: Int, sections: Int)) -> Int {
        axis == columns ? file.columns : axis == rows ? file.rows : file.sections
    }
}

extension AxisOrder: CustomStringConvertible {
    /// As headers write it: `2, 1, 3`.
    var description: String { "\(columns.rawValue), \(rows.rawValue), \(sections.rawValue)" }
}

extension VolumeShape {
    func count(along axis: AxisOrder.Axis) -> Int {
        switch axis {
        case .x: x
        case .y: y
        case .z: z
        }
    }
}

extension Box {
    func range(along axis: AxisOrder.Axis) -> Range<Int> {
        switch axis {
        case .x: x
        case .y: y
        case .z: z
        }
    }
}
