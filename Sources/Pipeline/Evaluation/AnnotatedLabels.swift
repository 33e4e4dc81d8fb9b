import Engine
import Volumes

/// The labels of an annotation, slice by slice, as classes by name.
struct AnnotatedLabels: Sendable {
    /// What voxels without a class are.
    enum Unnamed: String, CaseIterable, Sendable {
        /// An error: somebody forgot a class.
        case refuse
        /// No structure, as a voxel of value 0.
        case ground
        /// Unknown.
        case ignore
    }

    /// The names of classes; a voxel's class is its place here, from 1.
    let classes: [String]
    let shape: VolumeShape
    private let volume: any Volume
    private let table: [Int64: UInt8]
    private let unnamed: Unnamed
    private let name: String

    /// What a voxel is of which nothing is known.
    static let ignored: UInt8 = 255

    /// - Parameters:
    ///   - classes: those that are wanted, each with the values that mean it; others are what `unnamed` says.
    ///   - named: which of these each annotated class is, and no other counts; nil where those of one name are the same.
    ///   - tomogram: its name and its shape, which the labels must have.
    /// - Throws: ``PipelineError`` where the labels have another one; what opening them throws.
    init(
        _ annotation: StepItem.Annotation, classes: [String], named: [String: String]? = nil, unnamed: Unnamed,
        of tomogram: String, shape: VolumeShape
    ) throws {
        volume = try annotation.location.open()
        guard volume.shape == shape else {
            throw PipelineError(
                "the labels \(annotation.location) are \(volume.shape) voxels, \(tomogram) \(shape); annotate it again")
        }
        (self.classes, self.shape, self.unnamed) = (classes, shape, unnamed)
        name = "\(annotation.location)"
        var table: [Int64: UInt8] = [0: 0]
        for known in annotation.classes {
            guard let value = known.value else { continue }
            // A class that somebody named and nobody asks for is ground to all others.
            let wanted = named == nil ? known.name : named?[known.name]
            table[value] = wanted.flatMap { classes.firstIndex(of: $0) }.map { UInt8($0 + 1) } ?? 0
        }
        self.table = table
    }

    /// The classes of a slice, `[y][x]`: 0 for ground, a place among `classes` from 1, ``ignored`` where nothing is known.
    ///
    /// - Throws: ``PipelineError`` where a voxel has a value that is no class, unless these are ground or ignored.
    /// - Complexity: reads the slice.
    func slice(_ z: Int) throws -> [UInt8] {
        let (values, table, unnamed) = (try volume.readSlice(z: z).floats(), table, unnamed)
        var classes = [UInt8](repeating: 0, count: values.count)
        // Neighbours mostly agree, and a dictionary is dear.
        var (last, label): (Float, UInt8) = (0, 0)
        for (pixel, value) in values.enumerated() {
            if value != last {
                last = value
                label = try table[Int64(exactly: value) ?? .min] ?? self.unnamed(value, z, unnamed)
                // NaN differs from itself: the next pixel is looked up again.
            }
            classes[pixel] = label
        }
        return classes
    }

    private func unnamed(_ value: Float, _ z: Int, _ unnamed: Unnamed) throws -> UInt8 {
        switch unnamed {
        case .ground: return Int64(exactly: value) == nil ? Self.ignored : 0
        case .ignore: return Self.ignored
        case .refuse:
            throw PipelineError(
                "the labels \(name) have a voxel of value \(value) in slice \(z), which is no class of the annotation: annotate again with "
                    + "--class NAME=VALUE for each value, or say what such voxels are with the recipe's `unnamed`")
        }
    }

    /// The slices from the first that has a label to the last: between them, a voxel without one is ground, and of others
    /// nothing is known. nil where there is no label.
    ///
    /// - Complexity: reads the slices once, from both ends.
    func labelledSlices(check: () throws -> Void) throws -> Range<Int>? {
        func hasLabel(_ z: Int) throws -> Bool {
            try check()
            return try volume.readSlice(z: z).floats().contains { $0 != 0 }
        }
        guard let first = try (0..<shape.z).first(where: hasLabel) else { return nil }
        let last = try (first..<shape.z).last(where: hasLabel) ?? first
        return first..<last + 1
    }
}
