import Catalog
import CatalogSchema
import Foundation
import Volumes

/// Gives candidates their names: which are new, which the catalog has already, and which would have the name of another.
struct CandidateNames {
    /// A candidate with its name and dataset.
    struct Named: Sendable {
        let candidate: TomogramCandidate
        let dataset: String
        let name: String
    }

    /// What is to be done with some candidates.
    struct Sorted {
        var named: [Named] = []
        /// Why files are left out, a sentence each.
        var skipped: [String] = []
        /// Why files cannot be added, a sentence each.
        var refusals: [String] = []
    }

    /// What the catalog has of a dataset.
    private struct Known {
        let names: Set<String>
        let locations: [VolumeLocation: String]

        init(_ records: [TomogramRecord]) {
            names = Set(records.map(\.name))
            locations = Dictionary(records.map { ($0.location, $0.name) }, uniquingKeysWith: { first, _ in first })
        }
    }

    private struct Place: Hashable {
        let dataset: String
        let location: VolumeLocation
    }

    private struct Name: Hashable {
        let dataset: String
        let name: String
    }

    let addition: TomogramAddition
    let collection: Catalog.Collection

    /// Names the candidates, each once, and finds those that cannot have the name that they would get.
    ///
    /// - Throws: `CatalogError` where the catalog cannot be read.
    func sort(_ candidates: [TomogramCandidate]) throws -> Sorted {
        var sorted = Sorted()
        var seen: Set<Place> = []
        var known: [String: Known] = [:]
        for candidate in candidates {
            guard let dataset = candidate.dataset ?? addition.dataset else {
                sorted.refusals.append("\(candidate.label) has no dataset; give --dataset, or fill the column dataset")
                continue
            }
            guard seen.insert(Place(dataset: dataset, location: candidate.location)).inserted else { continue }
            let there = try known[dataset] ?? Known(collection.tomograms(inDataset: dataset))
            known[dataset] = there
            do {
                let named = Named(candidate: candidate, dataset: dataset, name: try name(of: candidate, dataset, there))
                if addition.skipsExisting, let reason = reasonToSkip(named, there) {
                    sorted.skipped.append(reason)
                } else {
                    sorted.named.append(named)
                }
            } catch {
                sorted.refusals.append("\(error)")
            }
        }
        let clashes = Dictionary(grouping: sorted.named) { Name(dataset: $0.dataset, name: $0.name) }.filter { $1.count > 1 }
        sorted.named.removeAll { clashes[Name(dataset: $0.dataset, name: $0.name)] != nil }
        for (name, items) in clashes.sorted(by: { ($0.key.dataset, $0.key.name) < ($1.key.dataset, $1.key.name) }) {
            sorted.refusals += items.map { item in
                let other = items.first { $0.candidate.location != item.candidate.location }?.candidate.label ?? ""
                return "\(item.candidate.label) would be named \(name.name) as \(other) is; "
                    + "--name-from '{parent}_{stem}' tells such files apart"
            }
        }
        return sorted
    }

    /// A file that is known keeps its name, unless a person gives it another one.
    private func name(of candidate: TomogramCandidate, _ dataset: String, _ known: Known) throws -> String {
        let location = candidate.location
        return try addition.name ?? candidate.name ?? addition.pattern?.name(of: location, dataset: dataset)
            ?? known.locations[location] ?? candidate.suggestedName ?? NamePattern.usualName(of: location)
    }

    private func reasonToSkip(_ item: Named, _ known: Known) -> String? {
        let label = item.candidate.label
        if let name = known.locations[item.candidate.location] { return "\(label): it is \(item.dataset)/\(name) already" }
        return known.names.contains(item.name) ? "\(label): there is a tomogram \(item.dataset)/\(item.name) already" : nil
    }
}
