import Foundation
import ImageProcessing

/// What was measured on a tomogram, as a row of a table.
struct QualityRow {
    private let name: String
    private let matching: TruthMatching
    private let classesOfFalse: [String: Int]
    private let membrane: (dice: Double, precision: Double, recall: Double)
    /// Parts of the voxels called membrane, or other, that are a filament's.
    private let filaments: (membrane: Double, other: Double)
    private let other: Double
    private let seconds: Double

    init(_ truth: Truth, _ slab: SplitSlab, membrane: [Mask]) {
        name = truth.name
        matching = TruthMatching(slab.particles.objects, truth.particles)
        seconds = slab.seconds
        var votes = [[Int]](repeating: [Int](repeating: 0, count: 8), count: slab.particles.objects.count + 1)
        var (common, called, true_, others, foreground) = (0, 0, 0, 0, 0)
        var (inMembrane, inOther, all) = (0, 0, 0)
        for (z, slice) in truth.slices.enumerated() {
            let (parts, identifiers) = (slab.parts[z], slab.identifiers[z])
            for (index, label) in slice.values.enumerated() {
                let (isCalled, isTrue) = (parts.membrane.values[index], membrane[z].values[index])
                let isOther = parts.other.values[index]
                if label > 0 || identifiers.values[index] > 0 { votes[Int(identifiers.values[index])][Int(label)] += 1 }
                common += isCalled && isTrue ? 1 : 0
                called += isCalled ? 1 : 0
                true_ += isTrue ? 1 : 0
                others += isOther ? 1 : 0
                foreground += label > 0 ? 1 : 0
                guard Truth.filaments.contains(label) else { continue }
                all += 1
                inMembrane += isCalled ? 1 : 0
                inOther += isOther ? 1 : 0
            }
        }
        self.membrane = (
            2 * Double(common) / Double(max(1, called + true_)), Double(common) / Double(max(1, called)),
            Double(common) / Double(max(1, true_))
        )
        filaments = (Double(inMembrane) / Double(max(1, all)), Double(inOther) / Double(max(1, all)))
        other = Double(others) / Double(max(1, foreground))
        classesOfFalse = matching.unmatched.reduce(into: [:]) { counts, index in
            let vote = votes[index + 1].indices.dropFirst().max { votes[index + 1][$0] < votes[index + 1][$1] } ?? 0
            counts[Truth.classes[vote], default: 0] += 1
        }
    }

    static let header = """
        | tomogram | ribosomes | proteasomes | complexes | false | of these | precision | recall | **F1** | gold | membrane precision | recall \
        | **Dice** | filaments called membrane, other | other, of all | s |
        |---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
        """

    var markdown: String {
        func share(_ name: String) -> String { "\(matching.count(of: name).found)/\(matching.count(of: name).all)" }
        let falseOnes = classesOfFalse.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.value) \($0.key)" }
        let cells =
            TruthMatching.macromolecules.map(share) + ["\(matching.falsePositives)", falseOnes.joined(separator: ", ")]
            + figures.prefix(3).map(Self.text) + [share("gold")] + figures[3..<6].map(Self.text)
            + ["\(Self.text(filaments.membrane)), \(Self.text(filaments.other))", Self.text(other), Self.text(seconds)]
        return "| \(name) | \(cells.joined(separator: " | ")) |"
    }

    private var figures: [Double] {
        let found = Double(matching.truePositives)
        return [
            found / Double(max(1, matching.truePositives + matching.falsePositives)),
            found / Double(max(1, matching.truePositives + matching.falseNegatives)), matching.f1, membrane.precision,
            membrane.recall,
            membrane.dice,
        ]
    }

    static func mean(_ rows: [QualityRow]) -> String {
        let means = (0..<6).map { index in text(rows.reduce(0) { $0 + $1.figures[index] } / Double(rows.count)) }
        return "| mean | | | | | | \(means[..<3].joined(separator: " | ")) | | \(means[3...].joined(separator: " | ")) | | | |"
    }

    private static func text(_ number: Double) -> String { String(format: "%.3f", number) }
}
