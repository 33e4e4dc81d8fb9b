import Synchronization
import Volumes

/// The volumes that a run has open: the slices of a slab read one header, and one index of a compressed file.
final class VolumeCache: Sendable {
    private struct Entry {
        let volume: any Volume
        var lastUse: UInt64
    }

    private let capacity: Int
    private let entries = Mutex<(byLocation: [VolumeLocation: Entry], clock: UInt64)>(([:], 0))

    /// - Parameter capacity: how many volumes stay open; the one longest unused is closed first.
    init(capacity: Int) { self.capacity = capacity }

    func open(_ location: VolumeLocation) throws -> any Volume {
        if let volume = use(location) { return volume }
        // Opened outside the lock: two workers may open one file twice, and the first to end is kept.
        let volume = try location.open()
        entries.withLock { state in
            if state.byLocation.count >= capacity,
                let oldest = state.byLocation.min(by: { $0.value.lastUse < $1.value.lastUse })?.key
            {
                state.byLocation[oldest] = nil
            }
            if state.byLocation[location] == nil { state.byLocation[location] = Entry(volume: volume, lastUse: state.clock) }
        }
        return use(location) ?? volume
    }

    /// Forgets a volume: its file changed.
    func close(_ location: VolumeLocation) { entries.withLock { $0.byLocation[location] = nil } }

    private func use(_ location: VolumeLocation) -> (any Volume)? {
        entries.withLock { state in
            state.clock += 1
            state.byLocation[location]?.lastUse = state.clock
            return state.byLocation[location]?.volume
        }
    }
}
