import Synchronization

/// Slices of labels that were read lately: patches are drawn from few slices again and again.
final class SliceCache: Sendable {
    private struct State {
        var slices: [Int: (values: [UInt8], use: Int)] = [:]
        var uses = 0
        var bytes = 0
    }

    private let state = Mutex(State())
    private let capacity: Int
    private let read: @Sendable (Int) throws -> [UInt8]

    /// - Parameters:
    ///   - bytes: how much is kept; one slice always is.
    ///   - read: gives the labels of a slice, `[y][x]`.
    init(bytes: Int, read: @escaping @Sendable (Int) throws -> [UInt8]) {
        capacity = bytes
        self.read = read
    }

    func slice(_ z: Int) throws -> [UInt8] {
        let known = state.withLock { state -> [UInt8]? in
            state.uses += 1
            state.slices[z]?.use = state.uses
            return state.slices[z]?.values
        }
        if let known { return known }
        let values = try read(z)
        state.withLock { state in
            guard state.slices[z] == nil else { return }
            while state.bytes + values.count > capacity, let oldest = state.slices.min(by: { $0.value.use < $1.value.use }) {
                state.bytes -= oldest.value.values.count
                state.slices[oldest.key] = nil
            }
            state.slices[z] = (values, state.uses)
            state.bytes += values.count
        }
        return values
    }
}
