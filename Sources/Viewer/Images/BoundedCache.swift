import Synchronization

/// Values that are kept until they cost too much together: then the longest unused ones give way.
///
/// Any number of threads may use it.
final class BoundedCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// The most that all values cost together.
    let limit: Int

    private struct Node {
        let key: Key
        let value: Value
        let cost: Int
        /// The nodes that were used just after and just before this one.
        var newer, older: Int?
    }

    /// A list of nodes by their last use, within an array.
    private struct State {
        var places: [Key: Int] = [:]
        var nodes: [Node?] = []
        var free: [Int] = []
        var newest, oldest: Int?
        var cost = 0

        mutating func detach(_ place: Int) {
            guard let node = nodes[place] else { return }
            if let newer = node.newer { nodes[newer]?.older = node.older } else { newest = node.older }
            if let older = node.older { nodes[older]?.newer = node.newer } else { oldest = node.newer }
        }

        mutating func attach(_ place: Int) {
            nodes[place]?.newer = nil
            nodes[place]?.older = newest
            if let newest { nodes[newest]?.newer = place } else { oldest = place }
            newest = place
        }

        mutating func remove(_ place: Int) {
            guard let node = nodes[place] else { return }
            detach(place)
            places[node.key] = nil
            nodes[place] = nil
            free.append(place)
            cost -= node.cost
        }
    }

    private let state = Mutex(State())

    /// - Parameter limit: in the unit in which values are inserted; less than 1 keeps nothing.
    init(limit: Int) { self.limit = limit }

    /// What all values cost together, at most ``limit``.
    var cost: Int { state.withLock { $0.cost } }
    var count: Int { state.withLock { $0.places.count } }

    /// The value of a key; nil where it is not kept.
    subscript(key: Key) -> Value? {
        state.withLock { state in
            guard let place = state.places[key], let node = state.nodes[place] else { return nil }
            state.detach(place)
            state.attach(place)
            return node.value
        }
    }

    /// Keeps a value, in place of another one with the same key. A value that costs more than the limit is not kept.
    func insert(_ value: Value, for key: Key, cost: Int) {
        let cost = max(1, cost)
        state.withLock { state in
            if let place = state.places[key] { state.remove(place) }
            guard cost <= limit else { return }
            while state.cost > limit - cost, let oldest = state.oldest { state.remove(oldest) }
            let node = Node(key: key, value: value, cost: cost)
            let place: Int
            if let free = state.free.popLast() {
                place = free
                state.nodes[place] = node
            } else {
                place = state.nodes.count
                state.nodes.append(node)
            }
            state.places[key] = place
            state.cost += cost
            state.attach(place)
        }
    }

    /// The value of a key, which is made where it is not kept.
    ///
    /// Two threads may make it at the same time; both get the same content.
    func value(for key: Key, cost: Int, _ make: () throws -> Value) rethrows -> Value {
        if let value = self[key] { return value }
        let value = try make()
        insert(value, for: key, cost: cost)
        return value
    }
}
