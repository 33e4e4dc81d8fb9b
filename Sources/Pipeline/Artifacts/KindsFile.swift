public import Foundation
public import Mining

/// Kinds of particles as a model of the catalog: a JSON file that says what kinds look like, and among what they were found.
///
/// They are no result of a step: a new tomogram must not change what a kind is. They stay until somebody finds them again
/// (`cellar kind find`), and the digest of the file is in the key of every result that used them.
public struct KindsFile: Codable, Sendable {
    /// A tomogram whose particles taught.
    public struct Teacher: Codable, Hashable, Sendable {
        public let tomogram: String
        public let particles: Int

        public init(tomogram: String, particles: Int) { (self.tomogram, self.particles) = (tomogram, particles) }
    }

    private static let format = "cellar kinds 1"

    private let format: String
    /// What the components of the descriptors mean.
    package let meaning: StoredDescriptors.Meaning
    public let model: KindModel
    /// What each number of kinds was worth.
    public let trials: [KindFinder.Trial]
    public let teachers: [Teacher]

    package init(_ model: KindModel, meaning: StoredDescriptors.Meaning, trials: [KindFinder.Trial], teachers: [Teacher]) {
        format = Self.format
        (self.model, self.meaning, self.trials, self.teachers) = (model, meaning, trials, teachers)
    }

    /// Reads a file.
    ///
    /// - Throws: ``PipelineError`` where it cannot be read, or holds no kinds.
    public init(path: String) throws {
        let url = URL(fileURLWithPath: path)
        let size = (try? url.resourceValues(forKeys: [.fileSizeKey]).fileSize) ?? 0
        guard size <= 64 << 20, let data = try? Data(contentsOf: url) else {
            throw PipelineError(
                "the kinds in \(path) cannot be read; put the file back, or find kinds again with `cellar kind find`")
        }
        guard let file = try? JSONDecoder().decode(Self.self, from: data), file.format == Self.format, file.model.isSound else {
            throw PipelineError("\(path) holds no kinds of particles; give a file that `cellar kind find` wrote")
        }
        self = file
    }

    /// How many kinds there are, and among what they were found, for people.
    public var summary: String {
        "\(model.kinds.count) kinds of \(teachers.reduce(0) { $0 + $1.particles }) particles of \(teachers.count) tomograms"
    }

    /// The same file with another model: people merged or split kinds.
    public func replacing(_ model: KindModel) -> KindsFile {
        KindsFile(model, meaning: meaning, trials: trials, teachers: teachers)
    }

    /// The content of the file; the same for the same kinds.
    public func encoded() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return try encoder.encode(self)
    }
}
