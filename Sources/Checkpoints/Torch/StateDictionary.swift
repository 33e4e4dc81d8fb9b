import Basics

/// The dictionary of tensors in what a pickle holds.
struct StateDictionary {
    private let pairs: [(key: PickleValue, value: PickleValue)]
    private let heap: PickleHeap
    private let path: String

    /// Under what the programs of the field put it, beside an optimizer's state or the number of an epoch.
    private static let wrappers = ["state_dict", "model_state_dict", "model", "net"]

    /// The value itself, if it is a dictionary that holds a tensor, or else the dictionary that it has as `state_dict`,
    /// `model_state_dict`, `model` or `net`.
    ///
    /// - Throws: ``CheckpointError`` where neither is one.
    init(_ value: PickleValue, _ heap: PickleHeap, path: String) throws(CheckpointError) {
        (self.heap, self.path) = (heap, path)
        guard case .dictionary(let root) = value else {
            throw CheckpointError(
                .unsupported, "holds something else than a dictionary of tensors: save the network's state_dict()", path: path)
        }
        func holdsTensor(_ number: Int) -> Bool {
            heap.dictionaries[number].pairs.contains { if case .tensor = $0.value { true } else { false } }
        }
        func inner(_ name: String) -> Int? {
            for case (.text(name), .dictionary(let number)) in heap.dictionaries[root].pairs where holdsTensor(number) {
                return number
            }
            return nil
        }
        guard let number = holdsTensor(root) ? root : Self.wrappers.lazy.compactMap(inner).first else {
            throw CheckpointError(
                .unsupported,
                "holds no tensors, neither at the top nor under \(Self.wrappers.joined(separator: ", ")): save the network's "
                    + "state_dict()", path: path)
        }
        pairs = heap.dictionaries[number].pairs
    }

    /// The tensors, sorted by name; other values are passed over.
    ///
    /// - Parameter storages: where each storage of the heap lies in the file.
    /// - Throws: ``CheckpointError`` where a tensor's key is no text, or occurs twice.
    func entries(storages: [Range<Int>]) throws(CheckpointError) -> [TensorEntry] {
        var entries: [String: TensorEntry] = [:]
        for case (let key, .tensor(let number)) in pairs {
            guard case .text(let name) = key else {
                throw CheckpointError(.unsupported, "holds a tensor whose name is no text", path: path)
            }
            guard entries.updateValue(entry(named: name, heap.views[number], storages), forKey: name) == nil else {
                throw CheckpointError(
                    .malformed, "holds \(CheckpointError.title(name)) twice: the file is damaged, get it again", path: path)
            }
        }
        return entries.values.sorted { $0.name < $1.name }
    }

    private func entry(named name: String, _ view: PickleHeap.View, _ storages: [Range<Int>]) -> TensorEntry {
        let type = heap.storages[view.storage].elementType
        let first = storages[view.storage].lowerBound + view.offset * type.byteCount
        let isEmpty = view.shape.contains(0)
        let span = isEmpty ? 0 : zip(view.shape, view.strides).reduce(1) { $0 + ($1.0 - 1) * $1.1 }
        // The stride of an axis of one entry says nothing.
        var dense = 1
        var isDense = true
        for (extent, stride) in zip(view.shape, view.strides).reversed() where !isEmpty && extent > 1 {
            isDense = isDense && stride == dense
            dense *= extent
        }
        return TensorEntry(
            name: name, elementType: type, shape: view.shape, byteRange: first..<first + span * type.byteCount,
            strides: isDense ? nil : view.strides)
    }
}
