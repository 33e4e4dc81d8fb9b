public import Basics
public import ImageProcessing

/// The confusion matrix of two label volumes, a prediction and the truth. Classes are matched by name; their labels may differ.
///
/// ```swift
/// var confusion = try Confusion(
///     prediction: [1: "membrane", 2: "ribosome"], truth: [7: "ribosome", 3: "membrane"], ignoring: [255])
/// for z in 0..<depth { try confusion.add(prediction: prediction(z), truth: truth(z)) }
/// print(confusion.overlap(of: "ribosome").dice ?? "there is none")
/// ```
public struct Confusion: Sendable {
    /// The names of the classes of both volumes, sorted.
    public let classes: [String]
    private let predictionMap: ClassMap
    private let truthMap: ClassMap
    /// The number of voxels of each pair of labels: `counts[predicted label · 256 + true label]`.
    private var counts = [Int](repeating: 0, count: 256 * 256)

    /// - Parameters:
    ///   - prediction: the class of each label of the prediction. Several labels may have one class; 0 is background unless it
    ///     has a name.
    ///   - truth: the class of each label of the truth.
    ///   - ignored: voxels with one of these labels in either volume are not counted.
    /// - Throws: ``MetricsError`` where a label is both ignored and a class, or a name is empty.
    public init(prediction: [UInt8: String], truth: [UInt8: String], ignoring ignored: Set<UInt8> = []) throws(MetricsError) {
        predictionMap = try ClassMap(prediction, ignoring: ignored)
        truthMap = try ClassMap(truth, ignoring: ignored)
        classes = Set(predictionMap.names + truthMap.names).sorted()
    }

    /// Counts the voxels of a slice.
    ///
    /// - Parameter region: the voxels that are counted; all by default.
    /// - Throws: ``MetricsError`` where sizes differ, or a label within the region is neither a class nor ignored. The slice is
    ///   then not counted.
    /// - Complexity: one pass over the pixels, and one over 65 536 counts.
    public mutating func add(prediction: Image<UInt8>, truth: Image<UInt8>, region: Mask? = nil) throws(MetricsError) {
        try truth.requireSize(of: prediction, "truth")
        try region?.requireSize(of: prediction, "region")
        // Four tables are used in turn, so that the increments of equal neighbours do not depend on each other.
        var found = [UInt32](repeating: 0, count: 4 << 16)
        found.withUnsafeMutableBufferPointer { found in
            prediction.values.withUnsafeBufferPointer { prediction in
                truth.values.withUnsafeBufferPointer { truth in
                    if let region {
                        for index in prediction.indices where region.values[index] {
                            found[(index & 3) << 16 | Int(prediction[index]) << 8 | Int(truth[index])] &+= 1
                        }
                    } else {
                        for index in prediction.indices {
                            found[(index & 3) << 16 | Int(prediction[index]) << 8 | Int(truth[index])] &+= 1
                        }
                    }
                }
            }
        }
        var sums = counts
        for pair in sums.indices {
            let sum = (0..<4).reduce(0) { $0 + Int(found[$1 << 16 | pair]) }
            guard sum > 0 else { continue }
            try predictionMap.check(UInt8(pair >> 8), "the prediction")
            try truthMap.check(UInt8(pair & 255), "the truth")
            sums[pair] += sum
        }
        counts = sums
    }

    /// The number of voxels with the class `prediction` in the prediction and `truth` in the truth; nil is background. Ignored
    /// voxels are not counted.
    public func count(prediction: String?, truth: String?) -> Int {
        count { $0 == prediction && $1 == truth }
    }

    /// The overlap of one class, with all other classes and the background as negatives.
    public func overlap(of name: String) -> Overlap {
        Overlap(
            truePositives: count { $0 == name && $1 == name }, falsePositives: count { $0 == name && $1 != name },
            falseNegatives: count { $0 != name && $1 == name }, trueNegatives: count { $0 != name && $1 != name })
    }

    private func count(_ isCounted: (String?, String?) -> Bool) -> Int {
        counts.indices.reduce(0) { sum, pair in
            guard counts[pair] > 0, let predicted = predictionMap.classes[pair >> 8], let actual = truthMap.classes[pair & 255],
                isCounted(predicted.name, actual.name)
            else { return sum }
            return sum + counts[pair]
        }
    }
}

/// The class of each of the 256 labels of a label volume.
struct ClassMap: Sendable {
    /// A class; background has no name.
    struct Class: Hashable, Sendable { let name: String? }

    /// The class of each label; nil for ignored and for unknown labels.
    let classes: [Class?]
    private let isKnown: [Bool]

    /// - Throws: ``MetricsError`` where a label is both ignored and a class, or a name is empty.
    init(_ names: [UInt8: String], ignoring ignored: Set<UInt8>) throws(MetricsError) {
        if let value = names.keys.filter(ignored.contains).min() {
            throw MetricsError(.invalidParameter, "the label \(value) is a class and ignored as well; leave out one of the two")
        }
        if let value = names.filter({ $0.value.isEmpty }).keys.min() {
            throw MetricsError(.invalidParameter, "the class of the label \(value) has an empty name; give it one")
        }
        var classes = [Class?](repeating: nil, count: 256)
        if !ignored.contains(0) { classes[0] = Class(name: nil) }
        for (value, name) in names { classes[Int(value)] = Class(name: name) }
        self.classes = classes
        isKnown = classes.indices.map { classes[$0] != nil || ignored.contains(UInt8($0)) }
    }

    var names: [String] { classes.compactMap { $0?.name } }

    /// - Throws: ``MetricsError`` where a label is neither a class nor ignored.
    func check(_ label: UInt8, _ whose: String) throws(MetricsError) {
        guard isKnown[Int(label)] else { throw .unknownLabel(label, whose) }
    }
}
