import Catalog
import Synchronization

/// The ids of tomograms in the order of some column, kept while one scrolls through them: a page needs no sorting of its own then.
///
/// What is kept is of one state of the catalog: after any commit, all is forgotten. At most eight orders, and 16 MB.
final class TomogramOrders: Sendable {
    struct Key: Hashable {
        var condition: String?
        var column: String
        var isDescending: Bool
    }

    private static let (countLimit, idLimit) = (8, 2_000_000)

    private struct State {
        var watch: CatalogWatch?
        var version: Int64?
        /// The ones used last stand at the end.
        var orders: [(key: Key, ids: [Int64])] = []
    }

    private let catalog: Catalog
    private let state = Mutex(State())

    init(_ catalog: Catalog) { self.catalog = catalog }

    /// The ids for a key, computed where they are not kept.
    func ids(_ key: Key, compute: () throws -> [Int64]) throws -> [Int64] {
        let (kept, version) = try state.withLock { state -> ([Int64]?, Int64) in
            let watch: CatalogWatch
            if let known = state.watch { watch = known } else { watch = try CatalogWatch(catalog) }
            state.watch = watch
            let version = try watch.version()
            if version != state.version { (state.version, state.orders) = (version, []) }
            guard let index = state.orders.firstIndex(where: { $0.key == key }) else { return (nil, version) }
            let order = state.orders.remove(at: index)
            state.orders.append(order)
            return (order.ids, version)
        }
        if let kept { return kept }
        let ids = try compute()
        state.withLock { state in
            // What was committed meanwhile may not be in it, and then the version has moved on when it is asked for next.
            guard state.version == version, !state.orders.contains(where: { $0.key == key }) else { return }
            state.orders.append((key, ids))
            while state.orders.count > Self.countLimit || state.orders.reduce(0, { $0 + $1.ids.count }) > Self.idLimit {
                state.orders.removeFirst()
            }
        }
        return ids
    }
}
