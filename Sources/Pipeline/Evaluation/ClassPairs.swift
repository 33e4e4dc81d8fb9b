/// Which class of an annotation means which class that was found.
///
/// Classes of one name are the same; a recipe can say more: `ribosome=macromolecule, microtubule=` makes every ribosome one of the
/// macromolecules that were found, and leaves microtubules out.
struct ClassPairs: Hashable {
    /// The class that was found for each annotated one that counts.
    let found: [String: String]
    /// The annotated classes that have no counterpart, and of which nobody said that they are to be left out.
    let leftOut: [String]

    /// - Parameters:
    ///   - text: pairs `annotated=found` with commas between.
    ///   - parameter: where the text stands in the recipe.
    /// - Throws: ``PipelineError`` where a pair is none, or names what is not there.
    init(_ text: String, parameter: String, annotated: [String], found classes: [String]) throws {
        var said: [String: String] = [:]
        for pair in text.split(separator: ",") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(\.trimmed)
            guard parts.count == 2, !parts[0].isEmpty, said.updateValue(parts[1], forKey: parts[0]) == nil,
                parts[1].isEmpty || classes.contains(parts[1])
            else {
                throw PipelineError(
                    "\(parameter) has \"\(pair.trimmed)\": write annotated=found, of the classes found, "
                        + "\(classes.joined(separator: ", ")), and each annotated one once; annotated= leaves it out")
            }
        }
        var pairs: [String: String] = [:]
        for name in annotated {
            if let other = said[name] {
                if !other.isEmpty { pairs[name] = other }
            } else if classes.contains(name) {
                pairs[name] = name
            }
        }
        found = pairs
        leftOut = annotated.filter { pairs[$0] == nil && said[$0] == nil }.sorted()
    }

    /// The classes that are compared, by name.
    var compared: [String] { Set(found.values).sorted() }
}
