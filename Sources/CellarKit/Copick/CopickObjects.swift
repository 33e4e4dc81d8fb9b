import Basics
import Catalog
import Foundation
import Volumes

/// Which objects of a copick configuration the classes of results are.
///
/// A class is the object that an earlier export noted it for, or the one that has its name, made safe. Names are made safe in a way that
/// cannot be undone, so an object that is made for a class keeps the class's own name in its metadata
/// (``CopickConfiguration/classKey``), by which it is read back.
struct CopickObjects {
    /// A class that is written.
    struct Wanted {
        var isParticle = false
        /// Whether voxels have its label.
        var isLabelled = false
        var radii: [Double] = []
    }

    let configuration: CopickConfiguration
    /// The object of each class.
    let byClass: [String: CopickConfiguration.Object]
    /// The objects that the configuration lacks.
    let added: [CopickConfiguration.Object]

    /// The colours of objects that are made, as copick has them: red, green, blue, opacity.
    private static let colors = [
        [0, 117, 220, 255], [255, 164, 5, 255], [43, 206, 72, 255], [240, 163, 255, 255], [153, 63, 0, 255], [94, 241, 242, 255],
        [255, 0, 16, 255], [255, 255, 128, 255],
    ]

    /// - Parameter canAdd: whether objects that are missing are made.
    /// - Throws: `CatalogError` where an object is missing, two classes are one object, or an object has no label of its own.
    init(_ configuration: CopickConfiguration, for wanted: [String: Wanted], canAdd: Bool) throws(CatalogError) {
        var byClass: [String: CopickConfiguration.Object] = [:]
        var added: [CopickConfiguration.Object] = []
        for (name, use) in wanted.sorted(by: { $0.key < $1.key }) {
            guard let safe = CopickName.safe(name) else {
                throw CatalogError(
                    .invalid,
                    "the class \"\(name)\" has no sign that a name of copick may hold; give an object of \(configuration.path) "
                        + "\"metadata\": {\"\(CopickConfiguration.classKey)\": …}")
            }
            let objects = configuration.objects
            // Of an object that was noted for another class, the name does not count.
            let known =
                objects.first { $0.className == name } ?? objects.first { $0.name == safe && $0.className == $0.name }
            if let known {
                byClass[name] = known
                continue
            }
            guard configuration.object(named: safe) == nil, !added.contains(where: { $0.name == safe }) else {
                throw CatalogError(
                    .invalid,
                    "the class \(name) would be the object \(safe), as another class is; give it an object of its own in "
                        + "\(configuration.path), with \"metadata\": {\"\(CopickConfiguration.classKey)\": \"\(name)\"}")
            }
            let sorted = use.radii.sorted()
            let object = CopickConfiguration.Object(
                name: safe, isParticle: use.isParticle,
                label: ((objects + added).compactMap(\.label).max() ?? 0) + 1,
                radiusInAngstroms: sorted.isEmpty ? nil : (sorted[sorted.count / 2] * 10).rounded() / 10, className: name)
            added.append(object)
            byClass[name] = object
        }
        guard added.isEmpty || canAdd else {
            let names = added.map(\.name).joined(separator: ", ")
            let entries = added.map { Self.json(Self.entry(for: $0, number: 0), isPretty: false) }.joined(separator: ", ")
            throw CatalogError(
                .invalid,
                "\(configuration.path) has no object \(names); add to its pickable_objects: \(entries), or have --add-objects write a "
                    + "configuration with them")
        }
        for (name, object) in byClass.sorted(by: { $0.key < $1.key }) {
            if let other = byClass.first(where: { $0.key != name && $0.value.name == object.name }) {
                throw CatalogError(
                    .invalid,
                    "the classes \(name) and \(other.key) are both the object \(object.name) of \(configuration.path); give each an object "
                        + "of its own there")
            }
            guard wanted[name]?.isLabelled == true else { continue }
            guard let label = object.label, (1...65_535).contains(label) else {
                throw CatalogError(
                    .invalid,
                    "\(configuration.path): the object \(object.name) has no label from 1 to 65535 for its voxels; give it one")
            }
            if let other = (configuration.objects + added).first(where: { $0.label == label && $0.name != object.name }) {
                throw CatalogError(
                    .invalid,
                    "\(configuration.path): the objects \(object.name) and \(other.name) both have the label \(label), by which their "
                        + "voxels could not be told apart; give each its own")
            }
        }
        (self.configuration, self.byClass, self.added) = (configuration, byClass, added)
    }

    /// The classes that are read back by another name, a sentence each.
    var remarks: [String] {
        byClass.sorted { $0.key < $1.key }.compactMap { name, object in
            object.className == name
                ? nil
                : "the class \(name) is written as the object \(object.name), and read back by that name; \"metadata\": "
                    + "{\"\(CopickConfiguration.classKey)\": \"\(name)\"} in the object keeps its own"
        }
    }

    // MARK: A configuration with more objects

    /// The configuration with the objects that it lacks; comments and the layout of the text are lost.
    ///
    /// - Throws: `CatalogError` where the configuration cannot be read again.
    func extendedConfiguration() throws(CatalogError) -> [UInt8] {
        guard case .object(var document) = try SmallDocument.json(JSONValue.self, path: configuration.path),
            case .array(let objects)? = document["pickable_objects"]
        else { throw CatalogError(.invalid, "\(configuration.path) has no list of pickable_objects any more; try again") }
        document["pickable_objects"] = .array(
            objects + added.enumerated().map { Self.entry(for: $1, number: objects.count + $0) })
        return Array(Self.json(.object(document), isPretty: true).utf8) + [UInt8(ascii: "\n")]
    }

    private static func entry(for object: CopickConfiguration.Object, number: Int) -> JSONValue {
        var entry: [String: JSONValue] = [
            "name": .string(object.name), "is_particle": .bool(object.isParticle),
            "color": .array(colors[number % colors.count].map { .integer(Int64($0)) }),
        ]
        if let label = object.label { entry["label"] = .integer(Int64(label)) }
        if let radius = object.radiusInAngstroms { entry["radius"] = .real(radius) }
        if object.className != object.name {
            entry["metadata"] = .object([CopickConfiguration.classKey: .string(object.className)])
        }
        return .object(entry)
    }

    private static func json(_ value: JSONValue, isPretty: Bool) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if isPretty { encoder.outputFormatting.insert(.prettyPrinted) }
        return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
