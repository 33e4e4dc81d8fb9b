public import Basics
import CatalogSchema

/// Steps, sorted topologically, and which output each of their inputs is.
public struct StepGraph: Sendable {
    /// The steps; each one comes after all steps that it reads from.
    public let steps: [any Step]
    /// For each step, its inputs that are outputs of other steps.
    let links: [[Link]]

    struct Link: Sendable {
        /// The position of the input among the step's inputs.
        let input: Int
        /// The position in ``steps`` of the step that gives it.
        let producer: Int
        /// The position of the output among the producer's outputs by ascending name.
        let output: Int
    }

    /// Sorts and checks steps.
    ///
    /// - Throws: ``EngineError`` where two steps have the same name, no step gives an input, a scope does not have a fact, or steps depend on
    ///   each other in a cycle.
    public init(_ declared: [any Step]) throws(EngineError) {
        let unsorted = declared.map { $0 as? ListedStep ?? ListedStep($0) }
        var byName: [String: any Step] = [:]
        for step in unsorted {
            guard byName.updateValue(step, forKey: step.name) == nil else {
                throw EngineError(mistake: .invalidSteps, "two steps are named \(step.name)")
            }
            let outputs = step.outputs.map(\.name)
            guard Set(outputs).count == outputs.count, Set(step.inputs).count == step.inputs.count,
                Set(step.parameters.map(\.name)).count == step.parameters.count
            else {
                throw EngineError(mistake: .invalidSteps, "the step \(step.name) declares an input, output or parameter twice")
            }
        }
        let voxels = try Self.voxels(in: unsorted)
        for step in unsorted { try Self.check(step, among: byName, voxels: voxels) }
        try Self.checkParameters(of: unsorted)
        var sorted: [any Step] = []
        var waiting = unsorted
        while !waiting.isEmpty {
            let placed = Set(sorted.map(\.name))
            let ready = waiting.filter { Self.producers(of: $0, voxels: voxels).isSubset(of: placed) }
            guard !ready.isEmpty else {
                let names = waiting.map(\.name).joined(separator: ", ")
                throw EngineError(mistake: .invalidSteps, "these steps wait for one another: \(names)")
            }
            sorted += ready
            waiting.removeAll { step in ready.contains { $0.name == step.name } }
        }
        steps = sorted
        let position = Dictionary(uniqueKeysWithValues: sorted.enumerated().map { ($1.name, $0) })
        links = sorted.map { step in
            step.inputs.enumerated().compactMap { index, input in
                guard let (producer, name) = Self.origin(of: input, voxels: voxels), let number = position[producer],
                    let output = sorted[number].outputs.map(\.name).sorted().firstIndex(of: name)
                else { return nil }
                return Link(input: index, producer: number, output: output)
            }
        }
    }

    /// The step and the output that give an input; nil for facts.
    private static func origin(of input: StepInput, voxels: (step: String, output: String)?) -> (step: String, output: String)? {
        switch input {
        case .fact: nil
        case .voxels: voxels
        case .output(let producer, let name): (producer, name)
        }
    }

    private static func producers(of step: any Step, voxels: (step: String, output: String)?) -> Set<String> {
        Set(step.inputs.compactMap { origin(of: $0, voxels: voxels)?.step })
    }

    /// The one output that gives the digest of the voxels; nil where no step has one.
    private static func voxels(in steps: [any Step]) throws(EngineError) -> (step: String, output: String)? {
        let givers = steps.flatMap { step in step.outputs.filter { $0.kind == .voxels }.map { (step: step, output: $0.name) } }
        guard let giver = givers.first else { return nil }
        guard givers.count == 1, giver.step.scope == .tomogram, giver.step.inputs.contains(.fact(.source)) else {
            let names = givers.map { "\($0.step.name).\($0.output)" }.joined(separator: ", ")
            throw EngineError(
                mistake: .invalidSteps,
                "voxels are given by one step, which works on tomograms and reads their files, and not by \(names)")
        }
        return (giver.step.name, giver.output)
    }

    private static func check(
        _ step: any Step, among byName: [String: any Step], voxels: (step: String, output: String)?
    ) throws(EngineError) {
        for input in step.inputs {
            switch input {
            case .fact(let fact):
                guard fact.scopes.contains(step.scope) else {
                    throw EngineError(
                        mistake: .invalidSteps,
                        "the step \(step.name) reads \(fact.rawValue), which no \(step.scope.rawValue) has")
                }
                guard fact != .source || voxels.map({ $0.step == step.name }) ?? false else {
                    throw EngineError(
                        mistake: .invalidSteps,
                        "the step \(step.name) reads the file of the tomogram, and neither gives its voxels nor declares the input voxels"
                    )
                }
            case .voxels:
                guard voxels != nil else {
                    throw EngineError(mistake: .invalidSteps, "the step \(step.name) reads voxels, which no step gives")
                }
            case .output(let producer, let name):
                guard let other = byName[producer], other.outputs.contains(where: { $0.name == name }) else {
                    throw EngineError(
                        mistake: .invalidSteps, "the step \(step.name) reads \(producer).\(name), which no step gives")
                }
            }
        }
    }

    /// Steps of one group of the recipe declare a parameter alike, and choices stand in groups of their own.
    private static func checkParameters(of steps: [any Step]) throws(EngineError) {
        var declared: [String: ParameterDeclaration] = [:]
        let groups = Set(steps.map(\.recipeGroup))
        for step in steps {
            let own = step.parameters.map { (key: "\(step.recipeGroup).\($0.name)", parameter: $0) }
            let choices = step.conditions.compactMap(\.choice)
            if let choice = choices.first(where: { groups.contains($0.group) }) {
                throw EngineError(mistake: .invalidSteps, "the choice \(choice.key) stands in the group of a step")
            }
            for (key, parameter) in own + choices.map({ (key: $0.key, parameter: $0.parameter) }) {
                guard declared.updateValue(parameter, forKey: key) ?? parameter == parameter else {
                    throw EngineError(
                        mistake: .invalidSteps, "two steps declare the parameter \(key), and each in another way")
                }
            }
        }
    }

    /// The graph under a recipe: without the inputs that its steps never need under the recipe's values, and without the steps that run only
    /// where their outputs are read (``Step/runsOnlyWhereRead``) and are not.
    ///
    /// - Parameter last: the last step that is wanted, whether it is read or not; nil for all.
    /// - Throws: ``EngineError`` where there is no step of that name.
    public func adapted(to recipe: Recipe, until last: String? = nil) throws(EngineError) -> StepGraph {
        var graph = self
        if steps.contains(where: { !$0.conditions.isEmpty }) {
            graph = try StepGraph(steps.map { ListedStep($0, under: recipe) })
        }
        if let last { graph = try graph.upTo(last) }
        var isKept = [Bool](repeating: true, count: graph.steps.count)
        // Readers come after what they read.
        for position in graph.steps.indices.reversed() where graph.steps[position].runsOnlyWhereRead {
            isKept[position] = graph.links.indices.contains { reader in
                isKept[reader] && graph.links[reader].contains { $0.producer == position }
            }
        }
        guard isKept.contains(false) else { return graph }
        return try StepGraph(graph.steps.indices.filter { isKept[$0] }.map { graph.steps[$0] })
    }

    /// The graph without the steps that need a training set, and the names of these: steps on training sets, and all that depend on them. Steps
    /// that read such an output only where it is there do without.
    public func withoutTraining() throws(EngineError) -> (graph: StepGraph, omitted: [String]) {
        var omitted: Set<Int> = []
        var kept: [any Step] = []
        for position in steps.indices {
            let missing = links[position].filter { omitted.contains($0.producer) }.map { steps[position].inputs[$0.input] }
            let optional = (steps[position] as? ListedStep)?.optionalInputs ?? []
            if steps[position].scope == .trainingSet || !optional.isSuperset(of: missing) {
                omitted.insert(position)
            } else {
                kept.append(missing.isEmpty ? steps[position] : ListedStep(steps[position], without: Set(missing)))
            }
        }
        guard !omitted.isEmpty else { return (self, []) }
        return (try StepGraph(kept), omitted.sorted().map { steps[$0].name })
    }

    /// Whether a step reads what people say of single particles.
    var readsCuration: Bool { steps.contains { $0.inputs.contains(.fact(.curation)) } }

    /// The graph where nobody says anything of single particles: steps that read it only where there is something do without.
    func withoutCuration() throws(EngineError) -> StepGraph {
        guard readsCuration else { return self }
        return try StepGraph(steps.map { ListedStep($0, without: [.fact(.curation)]) })
    }

    /// A step that reads some of its inputs only, in the order of declaration; nil where there is none, or it lacks one of them.
    func step(named name: String, reading inputs: [String]) -> (any Step)? {
        guard let step = steps.first(where: { $0.name == name }) else { return nil }
        let adapted = ListedStep(step, without: Set(step.inputs.filter { !inputs.contains($0.name) }))
        return adapted.inputs.map(\.name) == inputs ? adapted : nil
    }

    /// The scope of an item.
    func scope(of item: ItemNode) -> Scope { Scope(steps[item.step].scope, item.position) }

    /// Whether a step reads the files of tomograms.
    var readsFiles: Bool { steps.contains { $0.readsFile } }

    /// Whether a step works on training sets.
    public var needsTrainingSet: Bool { steps.contains { $0.scope == .trainingSet } }

    /// The kinds of scope that a plan has to read.
    var scopeKinds: Set<ScopeKind> {
        var kinds = Set(steps.map(\.scope))
        // The fact of a training set is that of its members.
        for step in steps where step.scope == .trainingSet {
            if step.inputs.contains(.fact(.annotation)) { kinds.insert(.annotation) }
        }
        return kinds
    }

    /// The position of a step.
    ///
    /// - Throws: ``EngineError`` where there is none of that name.
    public func index(of name: String) throws(EngineError) -> Int {
        guard let index = steps.firstIndex(where: { $0.name == name }) else {
            throw EngineError(
                .unknownStep, "there is no step \(name); the steps are \(steps.map(\.name).joined(separator: ", "))")
        }
        return index
    }

    /// A step, which runs then whether it is read or not, and all steps that it depends on.
    ///
    /// - Throws: ``EngineError`` where there is none of that name.
    public func upTo(_ name: String) throws(EngineError) -> StepGraph {
        var wanted: Set<Int> = [try index(of: name)]
        for position in steps.indices.reversed() where wanted.contains(position) {
            wanted.formUnion(links[position].map(\.producer))
        }
        return try StepGraph(
            steps.indices.filter(wanted.contains).map { steps[$0].name == name ? ListedStep(wanted: steps[$0]) : steps[$0] })
    }
}

/// A step with its declarations stored: a ``TypedStep`` lists them by reflection at each access, and planning accesses them for each item.
private struct ListedStep: Step {
    let name: String
    let version: Int
    let scope: ScopeKind
    let summary: String
    let parameters: [ParameterDeclaration]
    let recipeGroup: String
    let retiredParameters: [String]
    let renamedParameters: [String: String]
    let runsOnlyWhereRead: Bool
    let inputs: [StepInput]
    let conditions: [InputCondition]
    let outputs: [StepOutput]
    /// The inputs that it reads only where they are there; empty before the graph was adapted to a recipe.
    let optionalInputs: Set<StepInput>
    private let step: any Step

    init(_ step: any Step) { self.init(step, inputs: step.inputs, optional: (step as? ListedStep)?.optionalInputs ?? []) }

    /// A step that runs whether it is read or not.
    init(wanted step: any Step) {
        self.init(
            step, inputs: step.inputs, optional: (step as? ListedStep)?.optionalInputs ?? [], runsOnlyWhereRead: false)
    }

    /// The step without some inputs.
    init(_ step: any Step, without omitted: Set<StepInput>) {
        let optional = (step as? ListedStep)?.optionalInputs ?? []
        self.init(step, inputs: step.inputs.filter { !omitted.contains($0) }, optional: optional.subtracting(omitted))
    }

    /// The step with the inputs that it needs under a recipe.
    init(_ step: any Step, under recipe: Recipe) {
        func inputs(_ need: InputCondition.Need) -> Set<StepInput> {
            Set(
                step.conditions.filter { condition in
                    recipe[condition.key(in: step)].flatMap { condition.needs[$0.text] } == need
                }.map(\.input))
        }
        let unread = inputs(.never)
        self.init(step, inputs: step.inputs.filter { !unread.contains($0) }, optional: inputs(.whereThere))
    }

    private init(_ step: any Step, inputs: [StepInput], optional: Set<StepInput>, runsOnlyWhereRead: Bool? = nil) {
        name = step.name
        version = step.version
        scope = step.scope
        summary = step.summary
        parameters = step.parameters
        recipeGroup = step.recipeGroup
        retiredParameters = step.retiredParameters
        renamedParameters = step.renamedParameters
        self.runsOnlyWhereRead = runsOnlyWhereRead ?? step.runsOnlyWhereRead
        conditions = step.conditions
        outputs = step.outputs
        self.step = step
        (self.inputs, optionalInputs) = (inputs, optional)
    }

    func run(_ item: StepItem) throws { try step.run(item) }
}
