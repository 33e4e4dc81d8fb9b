import Catalog
import CatalogSchema
import Foundation
import Volumes

/// Files that are to become tomograms of a dataset: what each is called, and which of them are there already.
struct NewFiles {
    struct File {
        /// As it was given.
        let path: String
        let location: VolumeLocation
        let name: String
    }

    /// What is to be done with some paths.
    struct Sorted {
        var files: [File] = []
        /// Why files are left out, a sentence each.
        var skipped: [String] = []
        /// Why files cannot be added, a sentence each.
        var refusals: [String] = []
    }

    private let knownNames: Set<String>
    private let knownLocations: [VolumeLocation: String]
    private let name: String?
    private let pattern: NamePattern?
    private let dataset: String

    /// - Parameters:
    ///   - known: the tomograms of the dataset.
    ///   - name: of the only file; nil where the pattern or the file says it.
    init(_ known: [TomogramRecord], name: String?, pattern: NamePattern?, dataset: String) {
        knownNames = Set(known.map(\.name))
        knownLocations = Dictionary(known.map { ($0.location, $0.name) }, uniquingKeysWith: { first, _ in first })
        self.name = name
        self.pattern = pattern
        self.dataset = dataset
    }

    /// Names the files, each once, and finds those that cannot have the name that they would get.
    func sort(_ paths: [String], skippingExisting: Bool) -> Sorted {
        var sorted = Sorted()
        var seen: Set<VolumeLocation> = []
        for path in paths {
            let parsed = VolumeLocation(parsing: path)
            let location = VolumeLocation(path: URL(fileURLWithPath: parsed.path).standardizedFileURL.path, member: parsed.member)
            guard seen.insert(location).inserted else { continue }
            do {
                let file = File(path: path, location: location, name: try name(of: location))
                if skippingExisting, let reason = reasonToSkip(file) {
                    sorted.skipped.append(reason)
                } else {
                    sorted.files.append(file)
                }
            } catch {
                sorted.refusals.append("\(error)")
            }
        }
        let clashes = Dictionary(grouping: sorted.files, by: \.name).filter { $1.count > 1 }
        sorted.files.removeAll { clashes[$0.name] != nil }
        for (name, files) in clashes.sorted(by: { $0.key < $1.key }) {
            sorted.refusals += files.map { file in
                let other = files.first { $0.location != file.location }?.path ?? ""
                return "\(file.path) would be named \(name) as \(other) is; --name-from '{parent}_{stem}' tells such files apart"
            }
        }
        return sorted
    }

    /// A file that is known keeps its name, unless another one is given.
    private func name(of location: VolumeLocation) throws -> String {
        try name ?? pattern?.name(of: location, dataset: dataset) ?? knownLocations[location]
            ?? NamePattern.usualName(of: location)
    }

    private func reasonToSkip(_ file: File) -> String? {
        if let known = knownLocations[file.location] { return "\(file.path): it is \(dataset)/\(known) already" }
        return knownNames.contains(file.name) ? "\(file.path): there is a tomogram \(dataset)/\(file.name) already" : nil
    }
}
