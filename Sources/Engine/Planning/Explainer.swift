internal import Basics
public import Catalog
public import CatalogSchema
internal import Foundation
internal import Volumes

/// Explains why items run, or do not: compares the inputs and configuration of today with those in the trace of the standing result.
public struct Explainer: Sendable {
    private let catalog: Catalog
    private let graph: StepGraph
    private let recipe: Recipe

    public init(_ catalog: Catalog, graph: StepGraph, recipe: Recipe) {
        self.catalog = catalog
        self.graph = graph
        self.recipe = recipe
    }

    /// Explains one tomogram: all steps, or one step and the steps that it needs.
    ///
    /// - Throws: ``EngineError`` where there is no such step, ``CatalogError`` where the catalog cannot be read.
    public func explain(tomogramID: Int64, step: String? = nil) throws -> Explanation {
        let graph = try step.map { name throws(EngineError) in try self.graph.adapted(to: recipe, until: name) } ?? self.graph
        let plan = try Planner(catalog, graph: graph, recipe: recipe).plan(aroundTomogram: tomogramID)
        guard let tomogram = plan.scopes.tomogramPosition(ofID: tomogramID) else {
            throw CatalogError(.notFound, "there is no tomogram \(tomogramID); `cellar list tomograms` shows what there is")
        }
        let troubles = try catalog.results.withPlanningSnapshot { try $0.troubles() }
        var groups: [Explanation.Group] = []
        for position in plan.graph.steps.indices {
            let step = plan.graph.steps[position].name
            let kind = plan.graph.steps[position].scope
            for item in 0..<plan.scopes.count(of: kind)
            where [tomogram, nil].contains(plan.scopes.tomogram(of: Scope(kind, item))) {
                let node = ItemNode(step: position, position: item)
                let state = plan.states[position][item]
                var reasons = try self.reasons(for: node, in: state, plan)
                let scope = Scope(kind, item)
                let id = plan.scopes.id(of: scope)
                if let trouble = troubles[step]?.first(where: { $0.scopeID == id }), state != .fresh {
                    let place = trouble.place.words.map { " (\($0))" } ?? ""
                    reasons.append("\(trouble.status.rawValue) at the last try\(place): \(trouble.error)")
                }
                let place =
                    state == .fresh ? try catalog.results.withPlanningSnapshot { try $0.place(ofStep: step, scopeID: id) } : nil
                let label =
                    kind == .trainingSet ? plan.scopes.fullLabel(of: scope) : plan.scopes.label(of: scope)
                let known = groups.lastIndex { $0.step == step && $0.state == state && $0.reasons == reasons }
                if known == nil {
                    groups.append(Explanation.Group(step: step, scope: kind, state: state, reasons: reasons, items: []))
                }
                let index = known ?? groups.count - 1
                groups[index].items.append(label)
                if let place = place?.words, !groups[index].places.contains(place) { groups[index].places.append(place) }
            }
        }
        return Explanation(
            tomogram: plan.scopes.tomograms[tomogram].name, groups: groups, stepsWithoutTrainingSet: plan.stepsWithoutTrainingSet)
    }

    private func reasons(
        for node: ItemNode, in state: ItemState, _ plan: Plan
    ) throws -> [String] {
        switch state {
        case .fresh: return []
        case .foundAgain: return try changes(for: node, plan: plan) + ["an earlier result has these inputs"]
        case .offline: return ["\(missingFile(for: node, plan: plan)); what was computed from it stands"]
        // A plan for one tomogram includes the members of the training set: no item in it is held, absent or blocked.
        case .waiting, .held, .absent, .blocked:
            let waitsFor = plan.graph.links[node.step].filter { link in
                let producer = plan.graph.steps[link.producer]
                var waits = false
                plan.scopes.forEachSource(of: plan.graph.scope(of: node), in: producer.scope) { other in
                    let state = plan.states[link.producer][other.position]
                    if state == .stale || state == .waiting { waits = true }
                }
                return waits
            }
            let names = waitsFor.map { plan.graph.steps[$0.producer].name }
            // Each name once, in the order of occurrence.
            let unique = names.enumerated().filter { names.firstIndex(of: $1) == $0 }.map(\.element)
            return ["waits for " + unique.joined(separator: ", ")] + (try ownChanges(for: node, plan: plan))
        case .stale: return try changes(for: node, plan: plan)
        }
    }

    /// The differences in configuration and inputs, where the digests of all inputs are known.
    private func changes(for node: ItemNode, plan: Plan) throws -> [String] {
        let setup = plan.setups[node.step]
        let id = plan.scopes.id(of: plan.graph.scope(of: node))
        guard let earlier = try catalog.results.earlierTrace(step: setup.step.name, scopeID: id) else {
            return ["no earlier run"]
        }
        var changes = configurationChanges(setup, since: earlier)
        let inputs = ItemInputs(graph: plan.graph, scopes: plan.scopes, signatures: plan.signatures)
        guard
            let rows = inputs.trace(of: node, outputs: plan.outputs, isKnown: { plan.states[$0.step][$0.position].hasOutputs })?
                .rows
        else {
            return changes + [missingFile(for: node, plan: plan)]
        }
        if setup.step.readsFile,
            plan.scopes.isSourceMissing(of: plan.graph.scope(of: node), signatures: plan.signatures)
        {
            changes.append(missingFile(for: node, plan: plan))
        }
        let today = Dictionary(rows.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        for row in rows {
            guard let old = earlier.inputs[row.name] else {
                changes.append("\(inputTitle(row.name)): " + (isCuration(row.name) ? "none → \(row.value ?? "")" : "new"))
                continue
            }
            if old.digest != row.digest, row.name == StepInput.Fact.source.rawValue, let text = row.value, let before = old.value
            {
                changes.append("file " + fieldDifferences(before, text))
            } else if old.digest != row.digest {
                if let text = row.value, text == old.value, isCuration(row.name) {
                    // As many as before, and others.
                    changes.append("\(inputTitle(row.name)): others, again \(text)")
                    continue
                }
                let texts = (old.value ?? "digest \(old.digest.abbreviated)…", row.value ?? "digest \(row.digest.abbreviated)…")
                changes.append("\(inputTitle(row.name)): \(texts.0) → \(texts.1)")
            }
        }
        for name in earlier.inputs.keys.sorted() where today[name] == nil {
            let text = isCuration(name) ? earlier.inputs[name]?.value.map { "\($0) → none" } : nil
            changes.append("\(inputTitle(name)): \(text ?? "gone")")
        }
        return changes.isEmpty ? ["its result was replaced"] : changes
    }

    private func missingFile(for node: ItemNode, plan: Plan) -> String {
        let tomograms =
            plan.scopes.tomogram(of: plan.graph.scope(of: node)).map { [$0] }
            ?? plan.scopes.factMembers(of: .source).map(\.position)
        let missing = tomograms.first { plan.signatures[$0] == nil }
        return missing.map { "the file \(plan.scopes.tomograms[$0].location) is not there" } ?? "a file is not there"
    }

    private func ownChanges(for node: ItemNode, plan: Plan) throws -> [String] {
        let setup = plan.setups[node.step]
        let id = plan.scopes.id(of: plan.graph.scope(of: node))
        guard let earlier = try catalog.results.earlierTrace(step: setup.step.name, scopeID: id) else {
            return ["no earlier run"]
        }
        return configurationChanges(setup, since: earlier)
    }

    private func configurationChanges(_ setup: StepSetup, since earlier: Catalog.EarlierTrace) -> [String] {
        let today = setup.configuration
        var (before, now) = (earlier.parameters, today.parameters)
        // A parameter that came or went with the input whose use it says is no change of the recipe, unless the recipe switches
        // that off.
        for condition in setup.step.conditions where condition.ownsParameter {
            let name = condition.key(in: setup.step)
            guard (before[name] == nil) != (now[name] == nil) else { continue }
            let word = setup.parameters[condition.parameter]?.text
            if before[name] != nil, let word, condition.needs[word] == .never {
                now[name] = word
            } else if before[name] == nil, let word, condition.needs[word] == nil,
                let unused = condition.needs.first(where: { $0.value == .never })?.key
            {
                // It is read because the recipe says so now, and not because it came to be there.
                before[name] = unused
            } else {
                (before[name], now[name]) = (nil, nil)
            }
        }
        for parameter in setup.step.parameters {
            guard let value = parameter.impliedBefore else { continue }
            let key = "\(setup.step.recipeGroup).\(parameter.name)"
            before[key] = before[key] ?? value
            now[key] = now[key] ?? value
        }
        var changes: [String] = []
        if today.version != earlier.stepVersion {
            changes.append("step \(today.step): version \(earlier.stepVersion) → \(today.version)")
        }
        changes += differences("recipe", before, now)
        changes += differences(
            "model", earlier.models.mapValues { "digest \($0.prefix(8))…" }, today.models.mapValues { "digest \($0.prefix(8))…" })
        return changes
    }

    private func differences(_ kind: String, _ old: [String: String], _ new: [String: String]) -> [String] {
        Set(old.keys).union(new.keys).sorted().compactMap { name in
            old[name] == new[name] ? nil : "\(kind) \(name): \(old[name] ?? "none") → \(new[name] ?? "none")"
        }
    }

    /// The fields that differ between two texts: `/data/a.mrc: 10 bytes → 12 bytes, changed … → changed …`.
    private func fieldDifferences(_ old: String, _ new: String) -> String {
        let (old, new) = (old.components(separatedBy: ", "), new.components(separatedBy: ", "))
        guard old.count == new.count, let path = new.first else {
            return "\(old.joined(separator: ", ")) → \(new.joined(separator: ", "))"
        }
        let differences = zip(old, new).filter { $0.0 != $0.1 }.map { "\($0.0) → \($0.1)" }
        return "\(path): " + differences.joined(separator: ", ")
    }

    /// Whether an input is what people say of the particles of a member of the training set.
    private func isCuration(_ name: String) -> Bool { name.hasPrefix("\(StepInput.Fact.curation.rawValue) [") }

    /// The name of an input for people: `tomogram voxels` for the voxels that `describe` gives, `mask mask` for `mask.mask`.
    private func inputTitle(_ name: String) -> String {
        switch name {
        case StepInput.Fact.source.rawValue: "file"
        case StepInput.Fact.declaredVoxelSize.rawValue: "declared voxel size"
        case StepInput.voxels.name: "tomogram voxels"
        default:
            // The label of a member follows the name and may contain dots.
            (isCuration(name) ? "curated particles " : String(name.prefix { $0 != "[" }).replacing(".", with: " "))
                + name.drop { $0 != "[" }
        }
    }
}

/// The reasons why the items of one tomogram run, or do not: the differences from their standing results.
public struct Explanation: Sendable, Hashable {
    /// Items of one step with the same state and the same reasons.
    public struct Group: Sendable, Hashable {
        public let step: String
        public let scope: ScopeKind
        public let state: ItemState
        /// One line each: `recipe prepare.clahe.clip_limit: 2.0 → 3.0`.
        public let reasons: [String]
        /// The labels of the items: `z 120`, …; one empty label for the tomogram itself; the name of a training set.
        public internal(set) var items: [String]
        /// Where workers computed what is fresh, each once: `node1, job 1234_5`; none where the run itself did.
        public internal(set) var places: [String] = []
    }

    /// `dataset/name`
    public let tomogram: String
    /// In the order of the steps.
    public let groups: [Group]
    /// The steps without items because no training set is current, in order.
    public let stepsWithoutTrainingSet: [String]

    /// The first group that is stale or found again because of its own inputs or configuration: the cause of the later ones.
    public var firstCause: Group? { groups.first { $0.state == .stale || $0.state == .foundAgain } }

    /// The names of items, with runs of z written as ranges: `z 100..<200, z 250`.
    public static func summary(of items: [String]) -> String {
        let z = items.compactMap { $0.hasPrefix("z ") ? Int($0.dropFirst(2)) : nil }.sorted()
        guard z.count == items.count, let first = z.first else {
            return items.count <= 4 ? items.joined(separator: ", ") : "\(items.count) items"
        }
        var ranges = [first..<first + 1]
        for value in z.dropFirst() {
            if let last = ranges.last, last.upperBound == value {
                ranges[ranges.count - 1] = last.lowerBound..<value + 1
            } else {
                ranges.append(value..<value + 1)
            }
        }
        let texts = ranges.map { $0.count == 1 ? "z \($0.lowerBound)" : "z \($0.lowerBound)..<\($0.upperBound)" }
        return texts.count <= 4 ? texts.joined(separator: ", ") : texts.prefix(3).joined(separator: ", ") + ", …"
    }
}
