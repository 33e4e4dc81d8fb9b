import Engine
import Volumes

/// The labels of an annotation, read slice by slice, as numbers of named classes.
struct AnnotatedLabels: Sendable {
    /// How voxels are treated whose value is no class of the annotation.
    enum Unnamed: String, CaseIterable, Sendable {
        /// An error: a class may have been forgotten.
        case refuse
        /// As ground, like a voxel of value 0.
        case ground
        /// As unknown.
        case ignore
    }

    /// The names of the classes; the first one has the number 1.
    let classes: [String]
    let shape: VolumeShape
    private let volume: LabelVolume
    private let table: [Int64: UInt8]
    private let unnamed: Unnamed
    private let name: String

    /// The number of a voxel of which nothing is known.
    static let ignored: UInt8 = 255

    /// - Parameters:
    ///   - classes: the classes of the result. Annotated classes that are none of them become ground.
    ///   - named: the class of the result for each annotated class; nil where classes with the same name are the same.
    ///   - unnamed: how voxels are treated whose value is no class of the annotation.
    ///   - tomogram: the name of the tomogram, for messages.
    ///   - shape: the shape of the tomogram.
    /// - Throws: ``PipelineError`` where the labels have another shape, or there are more than 254 classes; what opening the file throws.
    init(
        _ annotation: StepItem.Annotation, classes: [String], named: [String: String]? = nil, unnamed: Unnamed,
        of tomogram: String, shape: VolumeShape
    ) throws {
        volume = try LabelVolume(annotation.location.open(), threshold: annotation.threshold)
        guard volume.shape == shape else {
            throw PipelineError(
                "the labels \(annotation.location) are \(volume.shape) voxels, \(tomogram) \(shape); annotate it again")
        }
        guard classes.count < Int(Self.ignored) else {
            throw PipelineError(
                "the labels \(annotation.location) have \(classes.count) classes, and at most \(Self.ignored - 1) can be told apart; "
                    + "annotate \(tomogram) again: of numbered objects, --threshold 1 makes one class")
        }
        (self.classes, self.shape, self.unnamed) = (classes, shape, unnamed)
        name = "\(annotation.location)"
        var table: [Int64: UInt8] = [0: 0]
        for known in annotation.classes {
            guard let value = known.value else { continue }
            // An annotated class that is not wanted is ground.
            let wanted = named == nil ? known.name : named?[known.name]
            table[value] = wanted.flatMap { classes.firstIndex(of: $0) }.map { UInt8($0 + 1) } ?? 0
        }
        self.table = table
    }

    /// The classes of a slice, `[y][x]`: 0 for ground, the number of a class from 1, ``ignored`` where nothing is known.
    ///
    /// - Throws: ``PipelineError`` where a voxel has a value that is no class, and `unnamed` is ``Unnamed/refuse``.
    /// - Complexity: reads the slice.
    func slice(_ z: Int) throws -> [UInt8] {
        let (values, table, unnamed) = (try volume.slice(z), table, unnamed)
        var classes = [UInt8](repeating: 0, count: values.count)
        // Neighbouring voxels mostly have the same value, and a look-up in a dictionary is slow.
        var (last, label): (Int64, UInt8) = (0, 0)
        for (pixel, value) in values.enumerated() {
            if value != last {
                last = value
                label = try table[value] ?? self.unnamed(value, z, unnamed)
            }
            classes[pixel] = label
        }
        return classes
    }

    /// The number of a voxel whose value is no class. Under ``Unnamed/ground``, a value that is no integer is unknown.
    private func unnamed(_ value: Int64, _ z: Int, _ unnamed: Unnamed) throws -> UInt8 {
        switch unnamed {
        case .ground: return value == LabelVolume.noLabel ? Self.ignored : 0
        case .ignore: return Self.ignored
        case .refuse:
            let value = value == LabelVolume.noLabel ? "that is no whole number" : "of value \(value)"
            throw PipelineError(
                "the labels \(name) have a voxel \(value) in slice \(z), which is no class of the annotation: annotate again with "
                    + "--class NAME=VALUE for each value, or say what such voxels are with the recipe's `unnamed`")
        }
    }

    /// The slices from the first to the last one with a label. Within them, a voxel without a label is ground; of other slices nothing is known.
    /// nil where there is no label.
    ///
    /// - Parameter check: called before each slice; throws to stop.
    /// - Complexity: reads the slices once, from both ends.
    func labelledSlices(check: () throws -> Void) throws -> Range<Int>? {
        func hasLabel(_ z: Int) throws -> Bool {
            try check()
            return try volume.slice(z).contains { $0 != 0 }
        }
        guard let first = try (0..<shape.z).first(where: hasLabel) else { return nil }
        let last = try (first..<shape.z).last(where: hasLabel) ?? first
        return first..<last + 1
    }
}
