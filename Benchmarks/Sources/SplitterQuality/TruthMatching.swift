import Foundation
import ImageProcessing

/// A true particle: its class, and centre and radius in voxels.
struct TrueParticle {
    let name: String
    let center: SIMD3<Double>
    let radius: Double
}

/// Particles found and true ones, matched one to one within the true one's radius, as many pairs as there can be.
struct TruthMatching {
    static let macromolecules = ["ribosome", "proteasome", "complex"]

    /// For each true particle the index of what was found there.
    private(set) var foundOfTruth: [Int?]
    private let truth: [TrueParticle]
    private let foundCount: Int

    init(_ found: [LinkedObject], _ truth: [TrueParticle]) {
        self.truth = truth
        foundCount = found.count
        foundOfTruth = Array(repeating: nil, count: truth.count)
        // For each found one the true ones that it may be, the nearest first.
        let candidates = found.map { object in
            truth.indices.map { ($0, Self.distance(object, truth[$0])) }.filter { $0.1 <= 1 }.sorted { $0.1 < $1.1 }.map(\.0)
        }
        for index in found.indices {
            var isSeen = Array(repeating: false, count: truth.count)
            _ = match(index, candidates, &isSeen)
        }
    }

    /// In radii of the true particle.
    private static func distance(_ object: LinkedObject, _ truth: TrueParticle) -> Double {
        let difference = SIMD3(object.x, object.y, object.z) - truth.center
        return (difference * difference).sum().squareRoot() / truth.radius
    }

    /// Finds a true particle for a found one, if need be by finding another one for the one that has it.
    private mutating func match(_ index: Int, _ candidates: [[Int]], _ isSeen: inout [Bool]) -> Bool {
        for place in candidates[index] where !isSeen[place] {
            isSeen[place] = true
            if foundOfTruth[place].map({ match($0, candidates, &isSeen) }) ?? true {
                foundOfTruth[place] = index
                return true
            }
        }
        return false
    }

    /// How many of a class there are, and how many of them were found.
    func count(of name: String) -> (found: Int, all: Int) {
        let places = truth.indices.filter { truth[$0].name == name }
        return (places.count { foundOfTruth[$0] != nil }, places.count)
    }

    /// Beads that were found count neither for nor against.
    var truePositives: Int { Self.macromolecules.reduce(0) { $0 + count(of: $1).found } }
    var falseNegatives: Int { Self.macromolecules.reduce(0) { $0 + count(of: $1).all - count(of: $1).found } }
    var falsePositives: Int { unmatched.count }

    /// What was found where there is nothing.
    var unmatched: [Int] {
        let matched = Set(foundOfTruth.compactMap { $0 })
        return (0..<foundCount).filter { !matched.contains($0) }
    }

    var f1: Double { 2 * Double(truePositives) / Double(max(1, 2 * truePositives + falsePositives + falseNegatives)) }
}
