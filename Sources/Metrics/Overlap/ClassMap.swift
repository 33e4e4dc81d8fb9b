import Basics

/// What each of the 256 values of a label volume stands for.
struct ClassMap: Sendable {
    /// A class; without a name it is background.
    struct Class: Hashable, Sendable { let name: String? }

    /// The class of each value; nil for those that are ignored and those that are unknown.
    let classes: [Class?]
    private let isKnown: [Bool]

    /// - Throws: ``MetricsError`` where a value is both ignored and a class, or a name is empty.
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
