internal import Basics
public import Catalog
import CatalogSchema
import Foundation
import Volumes

/// Finds out why: compares what items would be computed from today with what their standing result was computed from.
public struct Explainer: Sendable {
    private let catalog: Catalog
    private let graph: StepGraph
    private let recipe: Recipe

    public init(_ catalog: Catalog, graph: StepGraph, recipe: Recipe) {
        self.catalog = catalog
        self.graph = graph
        self.recipe = recipe
    }

    /// Explains one tomogram: every step, or the steps that one needs.
    ///
    /// - Throws: ``EngineError`` where there is no such step, ``CatalogError`` where the catalog cannot be read.
    public func explain(tomogramID: Int64, step: String? = nil) throws -> Explanation {
        let graph = try step.map { name throws(EngineError) in try self.graph.upTo(name) } ?? self.graph
        let plan = try Planner(catalog, graph: graph, recipe: recipe).plan(aroundTomogram: tomogramID)
        guard let tomogram = plan.scopes.tomogramPosition(ofID: tomogramID) else {
            throw CatalogError(.notFound, "there is no tomogram \(tomogramID)")
        }
        // A plan is turned into the state of a run that has not begun: it knows how to list an item's inputs.
        let state = RunState(plan)
        let troubles = try catalog.results.withPlanningSnapshot { try $0.troubles() }
        var groups: [Explanation.Group] = []
        for position in plan.graph.steps.indices {
            let step = plan.graph.steps[position].name
            let kind = plan.graph.steps[position].scope
            for item in 0..<plan.scopes.count(of: kind) where [tomogram, nil].contains(plan.scopes.tomogram(of: kind, at: item)) {
                let node = ItemNode(step: position, position: item)
                let standing = Explanation.Group.Standing(plan.states[position][item])
                var reasons = try self.reasons(for: node, standing: standing, plan: plan, state: state)
                let id = plan.scopes.id(of: kind, at: item)
                if let trouble = troubles[step]?.first(where: { $0.scopeID == id }), standing != .fresh {
                    reasons.append("\(trouble.status.rawValue) at the last try: \(trouble.error)")
                }
                let label =
                    kind == .trainingSet ? plan.scopes.fullLabel(of: kind, at: item) : plan.scopes.label(of: kind, at: item)
                if let index = groups.lastIndex(where: {
                    $0.step == step && $0.standing == standing && $0.reasons == reasons
                }) {
                    groups[index].items.append(label)
                } else {
                    groups.append(
                        Explanation.Group(
                            step: step, scope: kind, standing: standing, reasons: reasons, items: [label]))
                }
            }
        }
        return Explanation(
            tomogram: plan.scopes.tomograms[tomogram].name, groups: groups, stepsWithoutTrainingSet: plan.stepsWithoutTrainingSet)
    }

    private func reasons(
        for node: ItemNode, standing: Explanation.Group.Standing, plan: Plan, state: RunState
    ) throws -> [String] {
        let step = plan.graph.steps[node.step]
        switch standing {
        case .fresh: return []
        case .known: return try changes(for: node, plan: plan, state: state) + ["an earlier result has these inputs"]
        case .offline: return ["\(missingFile(for: node, plan: plan)); what was computed from it stands"]
        case .pending:
            let waitsFor = plan.graph.links[node.step].filter { link in
                let producer = plan.graph.steps[link.producer]
                var waits = false
                plan.scopes.forEachSource(of: step.scope, at: node.position, in: producer.scope) { other in
                    let state = plan.states[link.producer][other]
                    if state == .stale || state == .pending { waits = true }
                }
                return waits
            }
            let names = waitsFor.map { plan.graph.steps[$0.producer].name }
            // Each name once, in order.
            let unique = names.enumerated().filter { names.firstIndex(of: $1) == $0 }.map(\.element)
            return ["waits for " + unique.joined(separator: ", ")] + (try ownChanges(for: node, plan: plan))
        case .stale: return try changes(for: node, plan: plan, state: state)
        }
    }

    /// What differs in configuration and inputs, whose digests are all known.
    private func changes(for node: ItemNode, plan: Plan, state: RunState) throws -> [String] {
        let setup = plan.setups[node.step]
        let id = plan.scopes.id(of: setup.step.scope, at: node.position)
        guard let earlier = try catalog.results.earlierTrace(step: setup.step.name, scopeID: id) else {
            return ["no earlier run"]
        }
        var changes = configurationChanges(setup.configuration, since: earlier)
        guard let rows = state.inputs(of: node)?.rows else {
            return changes + [missingFile(for: node, plan: plan)]
        }
        if setup.step.readsFile,
            plan.scopes.isSourceMissing(of: setup.step.scope, at: node.position, signatures: plan.signatures)
        {
            changes.append(missingFile(for: node, plan: plan))
        }
        let today = Dictionary(rows.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        for row in rows {
            guard let old = earlier.inputs[row.name] else {
                changes.append("\(inputTitle(row.name)): new")
                continue
            }
            if old.digest != row.digest, row.name == StepInput.Fact.source.rawValue, let text = row.value, let before = old.value
            {
                changes.append("file " + fieldDifferences(before, text))
            } else if old.digest != row.digest {
                let texts = (old.value ?? "digest \(old.digest.abbreviated)…", row.value ?? "digest \(row.digest.abbreviated)…")
                changes.append("\(inputTitle(row.name)): \(texts.0) → \(texts.1)")
            }
        }
        for name in earlier.inputs.keys.sorted() where today[name] == nil { changes.append("\(inputTitle(name)): gone") }
        return changes.isEmpty ? ["its result was replaced"] : changes
    }

    private func missingFile(for node: ItemNode, plan: Plan) -> String {
        let kind = plan.graph.steps[node.step].scope
        let tomograms =
            plan.scopes.tomogram(of: kind, at: node.position).map { [$0] }
            ?? plan.scopes.factMembers(of: .source).map(\.position)
        let missing = tomograms.first { plan.signatures[$0] == nil }
        return missing.map { "the file \(plan.scopes.tomograms[$0].location) is not there" } ?? "a file is not there"
    }

    private func ownChanges(for node: ItemNode, plan: Plan) throws -> [String] {
        let setup = plan.setups[node.step]
        let id = plan.scopes.id(of: setup.step.scope, at: node.position)
        guard let earlier = try catalog.results.earlierTrace(step: setup.step.name, scopeID: id) else {
            return ["no earlier run"]
        }
        return configurationChanges(setup.configuration, since: earlier)
    }

    private func configurationChanges(_ today: Catalog.StepConfiguration, since earlier: Catalog.EarlierTrace) -> [String] {
        var changes: [String] = []
        if today.version != earlier.stepVersion {
            changes.append("step \(today.step): version \(earlier.stepVersion) → \(today.version)")
        }
        changes += differences("recipe", earlier.parameters, today.parameters)
        changes += differences(
            "model", earlier.models.mapValues { "digest \($0.prefix(8))…" }, today.models.mapValues { "digest \($0.prefix(8))…" })
        return changes
    }

    private func differences(_ kind: String, _ old: [String: String], _ new: [String: String]) -> [String] {
        Set(old.keys).union(new.keys).sorted().compactMap { name in
            old[name] == new[name] ? nil : "\(kind) \(name): \(old[name] ?? "none") → \(new[name] ?? "none")"
        }
    }

    /// Two lists of fields, which of them differ: `/data/a.mrc: 10 bytes → 12 bytes, changed … → changed …`.
    private func fieldDifferences(_ old: String, _ new: String) -> String {
        let (old, new) = (old.components(separatedBy: ", "), new.components(separatedBy: ", "))
        guard old.count == new.count, let path = new.first else {
            return "\(old.joined(separator: ", ")) → \(new.joined(separator: ", "))"
        }
        let differences = zip(old, new).filter { $0.0 != $0.1 }.map { "\($0.0) → \($0.1)" }
        return "\(path): " + differences.joined(separator: ", ")
    }

    /// What people call an input: the voxels that `describe` found are the tomogram's.
    private func inputTitle(_ name: String) -> String {
        switch name {
        case StepInput.Fact.source.rawValue: "file"
        case StepInput.Fact.declaredVoxelSize.rawValue: "declared voxel size"
        case StepInput.voxels.name: "tomogram voxels"
        default:
            // A member's label, behind the name, may hold dots of its own.
            String(name.prefix { $0 != "[" }).replacing(".", with: " ") + name.drop { $0 != "[" }
        }
    }
}

extension Explanation.Group.Standing {
    init(_ state: NodeState) {
        self =
            switch state {
            case .fresh: .fresh
            case .known: .known
            case .stale: .stale
            case .pending: .pending
            case .offline: .offline
            // A plan around a tomogram covers the training set: there are none of these in it.
            case .held, .absent, .blocked: .pending
            }
    }
}
