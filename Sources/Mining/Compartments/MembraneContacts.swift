import Volumes

/// Which compartments lie on the two sides of membranes, and which meet in gaps.
///
/// Each voxel of membrane is given to the compartment that reaches it first, step by step through faces. Where the voxels of two
/// compartments share a face, within membranes or in gaps, they are in contact.
struct MembraneContacts {
    /// For each compartment, from 0, the area in Å² of its contact with others, by their index.
    private(set) var areas: [[Int32: Double]]
    /// For each compartment the number of voxels of membrane that share a face with it.
    private(set) var voxels: [Int]
    /// For each compartment what is free of the voxels of membrane on its side, as an amount of the grid.
    private(set) var amounts: [Double]

    /// Changes the labels of membrane.
    ///
    /// - Parameter count: the number of compartments. The labels of the grid are numbers from 1.
    /// - Complexity: some passes over the voxels. Memory is four bytes for each voxel of membrane.
    init(_ grid: inout CompartmentGrid, count: Int, check: () throws -> Void) throws {
        areas = [[Int32: Double]](repeating: [:], count: count)
        voxels = [Int](repeating: 0, count: count)
        amounts = [Double](repeating: 0, count: count)
        try spread(in: &grid, from: try touching(grid, check), check)
        try measure(grid, check)
    }

    /// The label of a voxel of membrane that was given to the compartment with a number.
    @inline(__always)
    private static func given(to number: Int32) -> Int32 { CompartmentGrid.outside &- number }

    /// The voxels of membrane that share a face with a compartment, and the number of the compartment that each is given to.
    private mutating func touching(
        _ grid: CompartmentGrid, _ check: () throws -> Void
    ) throws -> [(voxel: Int32, number: Int32)] {
        let (shape, labels, offsets) = (grid.shape, grid.labels, grid.faceNeighbours)
        var found: [(voxel: Int32, number: Int32)] = []
        var near: [Int32] = []
        for z in 0..<shape.z {
            try check()
            for y in 0..<shape.y {
                let row = grid.row(z: z, y: y)
                for index in row..<row &+ shape.x where labels[index] == CompartmentGrid.membrane {
                    near.removeAll(keepingCapacity: true)
                    for offset in offsets where labels[index &+ offset] > 0 { near.append(labels[index &+ offset]) }
                    guard var best = near.first else { continue }
                    let part = Double(grid.amounts[index]) / Double(near.count)
                    func faces(_ number: Int32) -> Int { near.reduce(0) { $0 + ($1 == number ? 1 : 0) } }
                    for (place, number) in near.enumerated() {
                        amounts[Int(number) &- 1] += part
                        if !near[..<place].contains(number) { voxels[Int(number) &- 1] += 1 }
                        if number != best, (faces(number), best) > (faces(best), number) { best = number }
                    }
                    found.append((Int32(truncatingIfNeeded: index), best))
                }
            }
        }
        return found
    }

    /// Gives all membrane to the compartments, beginning at the voxels that touch one.
    private mutating func spread(
        in grid: inout CompartmentGrid, from first: consuming [(voxel: Int32, number: Int32)], _ check: () throws -> Void
    ) throws {
        let offsets = grid.faceNeighbours
        var shell: [Int32] = []
        shell.reserveCapacity(first.count)
        for (voxel, number) in first {
            grid.labels[Int(voxel)] = Self.given(to: number)
            shell.append(voxel)
        }
        first = []
        while !shell.isEmpty {
            try check()
            var next: [Int32] = []
            for voxel in shell {
                let label = grid.labels[Int(voxel)]
                for offset in offsets where grid.labels[Int(voxel) &+ offset] == CompartmentGrid.membrane {
                    let neighbour = Int(voxel) &+ offset
                    grid.labels[neighbour] = label
                    amounts[Int(CompartmentGrid.outside &- label) &- 1] += Double(grid.amounts[neighbour])
                    next.append(Int32(truncatingIfNeeded: neighbour))
                }
            }
            shell = next
        }
    }

    private mutating func measure(_ grid: CompartmentGrid, _ check: () throws -> Void) throws {
        let (shape, labels, faces) = (grid.shape, grid.labels, grid.faceAreas)
        let steps = [(1, faces.x), (grid.rowStride, faces.y), (grid.sliceStride, faces.z)]
        /// The index of the compartment that a voxel belongs to or is given to; negative where there is none.
        func owner(_ label: Int32) -> Int32 { label > 0 ? label &- 1 : CompartmentGrid.outside &- label &- 1 }
        for z in 0..<shape.z {
            try check()
            for y in 0..<shape.y {
                let row = grid.row(z: z, y: y)
                for index in row..<row &+ shape.x {
                    let label = labels[index]
                    for (step, area) in steps where labels[index &+ step] != label {
                        let (here, there) = (owner(label), owner(labels[index &+ step]))
                        guard here >= 0, there >= 0, here != there else { continue }
                        areas[Int(here)][there, default: 0] += area
                        areas[Int(there)][here, default: 0] += area
                    }
                }
            }
        }
    }
}
