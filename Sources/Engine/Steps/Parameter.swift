public import CatalogSchema

/// A parameter of a step, with the type of the value that the step reads.
///
/// ```swift
/// struct Parameters: Sendable {
///     let clipLimit = Parameter.real("clahe.clip_limit", default: 2, in: 0...100, "contrast limit of CLAHE; 0 for no limit")
///     let method = Parameter<Method>.choice("method", default: .otsu, "one threshold for the slice, or one for each pixel")
/// }
/// ```
public struct Parameter<Value: Sendable>: Sendable {
    let declaration: ParameterDeclaration
    let read: @Sendable (RecipeValue, _ models: [String: ModelRecord]) -> Value?
}

protocol DeclaredParameter { var declaration: ParameterDeclaration { get } }
extension Parameter: DeclaredParameter {}

extension Parameter where Value == Bool {
    public static func flag(_ name: String, default value: Bool, _ summary: String) -> Parameter {
        Parameter(declaration: .flag(name, default: value, summary)) { value, _ in
            if case .flag(let flag) = value { flag } else { nil }
        }
    }
}

extension Parameter where Value == Int {
    public static func integer(_ name: String, default value: Int, in range: ClosedRange<Int>, _ summary: String) -> Parameter {
        Parameter(declaration: .integer(name, default: value, in: range, summary)) { value, _ in
            if case .integer(let integer) = value { integer } else { nil }
        }
    }
}

extension Parameter where Value == Double {
    public static func real(
        _ name: String, default value: Double, in range: ClosedRange<Double>, _ summary: String
    ) -> Parameter {
        Parameter(declaration: .real(name, default: value, in: range, summary)) { value, _ in
            if case .real(let real) = value { real } else { nil }
        }
    }

    /// An upper limit. 0 in the recipe means no limit; the step reads infinity then.
    public static func limit(
        _ name: String, default value: Double, in range: ClosedRange<Double>, _ summary: String
    ) -> Parameter {
        Parameter(declaration: .real(name, default: value, in: range, summary)) { value, _ in
            if case .real(let real) = value { real > 0 ? real : .infinity } else { nil }
        }
    }
}

extension Parameter where Value == String {
    public static func text(_ name: String, default value: String, _ summary: String) -> Parameter {
        Parameter(declaration: .text(name, default: value, summary)) { value, _ in
            if case .text(let text) = value { text } else { nil }
        }
    }
}

extension Parameter {
    /// A text that means something: the step reads what the form makes of it.
    public static func written(
        _ name: String, default value: String, as form: TextForm<Value>, _ summary: String
    ) -> Parameter {
        Parameter(declaration: .text(name, default: value, form: TextCheck(form), summary)) { value, _ in
            if case .text(let text) = value { try? form.parse(text) } else { nil }
        }
    }
}

/// What a text in a recipe has to look like: the parser of its meaning.
public struct TextForm<Value: Sendable>: Sendable {
    /// One name for one form.
    let name: String
    /// Throws an error whose description says what is wrong.
    let parse: @Sendable (String) throws -> Value

    public init<Failure: Error>(name: String, _ parse: @escaping @Sendable (String) throws(Failure) -> Value) {
        (self.name, self.parse) = (name, { text in try parse(text) })
    }
}

/// The check of a text by its form, without the type of what it means.
public struct TextCheck: Sendable, Hashable {
    private let name: String
    private let check: @Sendable (String) throws -> Void

    init(_ form: TextForm<some Sendable>) { (name, check) = (form.name, { text in _ = try form.parse(text) }) }

    /// What is wrong with a text, as a sentence; nil if nothing is.
    func fault(of text: String) -> String? {
        do {
            try check(text)
            return nil
        } catch {
            return "\(error)"
        }
    }

    public static func == (a: TextCheck, b: TextCheck) -> Bool { a.name == b.name }

    public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

extension Parameter where Value: RawRepresentable<String> & CaseIterable {
    /// One of the cases of an enumeration; the recipe has their raw values.
    ///
    /// - Parameter impliedBefore: of a parameter that came later, the value that says what the step did before: with it, results from before
    ///   stay fresh.
    public static func choice(_ name: String, default value: Value, impliedBefore: Value? = nil, _ summary: String) -> Parameter {
        let words = Value.allCases.map(\.rawValue)
        let declaration = ParameterDeclaration.choice(
            name, default: value.rawValue, of: words, impliedBefore: impliedBefore?.rawValue, summary)
        return Parameter(declaration: declaration) { value, _ in
            if case .text(let word) = value { Value(rawValue: word) } else { nil }
        }
    }
}

extension Parameter where Value == ModelRecord? {
    /// A model of the catalog of this kind. The recipe has its name; the step reads its record, or nil where none is chosen.
    public static func model(_ name: String, kind: String, _ summary: String) -> Parameter {
        Parameter(declaration: .model(name, kind: kind, summary)) { value, models in
            if case .text(let model) = value { .some(models[model]) } else { nil }
        }
    }
}

/// Reads the parameters of an item by the names of the structure that declares them.
@dynamicMemberLookup
public struct ParameterValues<Declarations> {
    private let item: StepItem
    private let declarations: Declarations

    init(_ item: StepItem, _ declarations: Declarations) {
        self.item = item
        self.declarations = declarations
    }

    public subscript<Value>(dynamicMember path: KeyPath<Declarations, Parameter<Value>>) -> Value {
        get throws { try item.value(of: declarations[keyPath: path]) }
    }

    public subscript<Group: DeclarationGroup>(dynamicMember path: KeyPath<Declarations, Group>) -> ParameterValues<Group> {
        ParameterValues<Group>(item, declarations[keyPath: path])
    }
}
