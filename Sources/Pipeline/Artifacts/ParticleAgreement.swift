import ImageProcessing

/// The particles that several witnesses agree on.
///
/// Particles of different witnesses are the same where their centres are nearer than a part of the smaller diameter; nearest ones are
/// joined first, and a group has one of each witness at most. A group of two or more is a particle: its centre is the mean of theirs, its
/// radius and its voxels are those of its first witness. With one witness, each of its particles is one.
struct ParticleAgreement {
    /// The particles, with the confidence that they have: the mean of their witnesses', times the share of the witnesses that found them.
    let particles: [ParticleTable.Row]
    /// For each particle the witness, by its index, whose voxels are its.
    let owners: [Int]
    /// For each witness the number of the particle, from 1, that each of its own belongs to, by the number of its own (0 at index 0).
    /// ``alone`` where no other witness found it.
    let numbers: [[Int32]]
    /// For each particle how many witnesses found it.
    let sizes: [Int]

    static let alone: Int32 = -1

    /// A particle of one witness.
    private struct Member: Hashable {
        let witness: Int
        let index: Int
    }

    /// - Parameters:
    ///   - tables: the particles of each witness.
    ///   - share: the part of the smaller diameter.
    ///   - isBelieved: whether a particle is one that its witness alone found.
    /// - Complexity: a pass over the pairs whose centres are near.
    init(
        _ tables: [[ParticleTable.Row]], within share: Double,
        isBelieved: (_ witness: Int, _ row: ParticleTable.Row) -> Bool = { _, _ in false }
    ) {
        var groups = tables.enumerated().flatMap { witness, rows in rows.indices.map { [Member(witness: witness, index: $0)] } }
        if tables.count > 1 { groups = Self.joined(groups, tables, within: share) }
        // In the order of their first member, so that one witness's are numbered as it does.
        groups.sort { ($0[0].witness, $0[0].index) < ($1[0].witness, $1[0].index) }
        var (owners, sizes) = ([Int](), [Int]())
        var (particles, numbers) = ([ParticleTable.Row](), tables.map { [0] + [Int32](repeating: Self.alone, count: $0.count) })
        for group in groups {
            let rows = group.map { tables[$0.witness][$0.index] }
            guard group.count > 1 || tables.count == 1 || isBelieved(group[0].witness, rows[0]) else { continue }
            let count = Double(rows.count)
            particles.append(
                ParticleTable.Row(
                    centreInAngstroms: rows.reduce(.zero) { $0 + $1.centreInAngstroms } / count,
                    radiusInAngstroms: rows[0].radiusInAngstroms,
                    confidence: rows.reduce(0) { $0 + $1.confidence } / Double(tables.count), code: rows[0].code))
            owners.append(group[0].witness)
            sizes.append(group.count)
            for member in group { numbers[member.witness][member.index + 1] = Int32(particles.count) }
        }
        (self.particles, self.owners, self.numbers, self.sizes) = (particles, owners, numbers, sizes)
    }

    private static func joined(_ groups: [[Member]], _ tables: [[ParticleTable.Row]], within share: Double) -> [[Member]] {
        func row(_ group: Int) -> ParticleTable.Row { tables[groups[group][0].witness][groups[group][0].index] }
        let widest = groups.indices.map { 2 * share * row($0).radiusInAngstroms }.max() ?? 0
        guard widest > 0 else { return groups }
        var places = CellList(distance: widest)
        var pairs: [(distance: Double, first: Int, second: Int)] = []
        for second in groups.indices {
            for first in places.near(row(second).centreInAngstroms) where groups[first][0].witness != groups[second][0].witness {
                let offset = row(second).centreInAngstroms - row(first).centreInAngstroms
                let distance = (offset * offset).sum().squareRoot()
                if distance < 2 * share * min(row(first).radiusInAngstroms, row(second).radiusInAngstroms) {
                    pairs.append((distance, first, second))
                }
            }
            places.add(second, at: row(second).centreInAngstroms)
        }
        pairs.sort { ($0.distance, $0.first, $0.second) < ($1.distance, $1.first, $1.second) }
        var members = groups
        // Of each group that was one particle: where it is now, and what it holds.
        var (group, held) = (Array(groups.indices), groups.indices.map { [$0] })
        for pair in pairs {
            let (first, second) = (group[pair.first], group[pair.second])
            guard first != second, Set(members[first].map(\.witness)).isDisjoint(with: members[second].map(\.witness)) else {
                continue
            }
            for moved in held[second] { group[moved] = first }
            held[first] += held[second]
            members[first] = (members[first] + members[second]).sorted { ($0.witness, $0.index) < ($1.witness, $1.index) }
            (members[second], held[second]) = ([], [])
        }
        return members.filter { !$0.isEmpty }
    }
}
