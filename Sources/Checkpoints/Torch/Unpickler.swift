import Basics

/// Reads the pickles of `torch.save` only: containers, texts, numbers, and tensors as views of storages.
///
/// A pickle is a program for a stack machine, and Python's `pickle` lets it call any function. Here no instruction calls
/// anything, and a name other than those of ``PickleGlobal`` is an error. ``valueLimit`` bounds the memory; the time is
/// O(length).
struct Unpickler {
    /// How many values the pickles of a file may push; a state dictionary of 1,000 tensors pushes some 30,000.
    static let valueLimit = 1 << 20

    private(set) var heap = PickleHeap()
    private var cursor: FileCursor
    private var stack: [PickleValue] = []
    /// The heights of the stack at each MARK; no instruction may take values below the last one.
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]
    /// How many values were pushed so far.
    private var pushed = 0
    /// The indices of storages in the heap, by their keys.
    private var storageNumbers: [String: Int] = [:]
    /// The offset of the current instruction in the file, for messages.
    private var instructionOffset = 0

    init(_ cursor: FileCursor) { self.cursor = cursor }

    /// The offset of the next byte in the file; after ``load()``, of the first byte after the pickle.
    var position: Int { cursor.position }

    /// Reads one pickle to its end, and returns its value. The objects of earlier pickles stay in the heap.
    ///
    /// - Throws: ``CheckpointError`` with the offset of the instruction that is not supported, refers to an unknown name, or is
    ///   invalid at this point.
    mutating func load() throws(CheckpointError) -> PickleValue {
        (stack, marks, memo) = ([], [], [:])
        while true {
            instructionOffset = cursor.position
            let byte = try cursor.byte()
            guard let opcode = PickleOpcode(rawValue: byte) else {
                throw refusal("the instruction \(PickleOpcode.refused[byte] ?? "0x" + String(byte, radix: 16))")
            }
            if opcode == .stop {
                guard stack.count == 1, marks.isEmpty else { throw nonsense("ends with \(stack.count) values in place of one") }
                return stack[0]
            }
            try execute(opcode)
        }
    }

    private mutating func execute(_ opcode: PickleOpcode) throws(CheckpointError) {
        switch opcode {
        case .stop: break
        case .proto:
            let version = try cursor.byte()
            guard (2...5).contains(version) else { throw refusal("version \(version) of the format") }
        case .frame: _ = try cursor.bytes(8)
        case .mark:
            guard marks.count < Self.valueLimit else { throw tooMany() }
            marks.append(stack.count)

        case .none: try push(.none)
        case .newTrue: try push(.boolean(true))
        case .newFalse: try push(.boolean(false))
        case .binInt1, .binInt2: try push(.integer(try number(opcode == .binInt1 ? 1 : 2)))
        case .binInt: try push(.integer(Int(Int32(truncatingIfNeeded: try number(4)))))
        case .long1: try push(Self.integer(try cursor.bytes(number(1))))
        case .binFloat:
            let bits = try cursor.bytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            try push(.real(Double(bitPattern: bits)))
        case .shortBinUnicode, .shortBinString: try push(.text(try text(number(1))))
        case .binUnicode, .binString: try push(.text(try text(number(4))))
        case .binUnicode8: try push(.text(try text(number(8))))
        case .binBytes, .shortBinBytes:
            _ = try cursor.bytes(number(opcode == .binBytes ? 4 : 1))
            try push(.inert)

        case .emptyTuple: try push(heap.tuple([]))
        case .tuple: try push(heap.tuple(try popToMark()))
        case .tuple1: try push(heap.tuple(try pop(1)))
        case .tuple2: try push(heap.tuple(try pop(2)))
        case .tuple3: try push(heap.tuple(try pop(3)))
        case .emptyList: try push(heap.list())
        case .append: try append(try pop(1))
        case .appends: try append(try popToMark())
        case .emptyDict: try push(heap.dictionary(isOrdered: false))
        case .setItem: try setItems(try pop(2))
        case .setItems: try setItems(try popToMark())

        case .binPut: try remember(at: try number(1))
        case .longBinPut: try remember(at: try number(4))
        case .memoize: try remember(at: memo.count)
        case .binGet: try push(try remembered(at: try number(1)))
        case .longBinGet: try push(try remembered(at: try number(4)))

        case .global:
            let (module, name) = (try cursor.line(), try cursor.line())
            try pushGlobal(String(decoding: module, as: UTF8.self), String(decoding: name, as: UTF8.self))
        case .stackGlobal:
            let parts = try pop(2)
            guard case .text(let module) = parts[0], case .text(let name) = parts[1] else { throw nonsense("names no global") }
            try pushGlobal(module, name)
        case .reduce:
            let parts = try pop(2)
            guard case .global(let function) = parts[0], case .tuple(let arguments) = parts[1] else {
                throw refusal("a call of what is no function")
            }
            try push(try result(of: function, heap.tuples[arguments]))
        case .newObject:
            guard case .global(.inert) = try pop(2)[0] else { throw refusal("the instruction NEWOBJ") }
            try push(.inert)
        case .build:
            // The only state that is accepted is the attribute `_metadata` of a state dictionary: the versions of the modules. It
            // is dropped, since it says nothing about tensors.
            let state = try pop(1)[0]
            if case .inert = try top() { return }
            guard case .dictionary(let target) = try top(), heap.dictionaries[target].isOrdered, case .dictionary = state else {
                throw refusal("the state of an object that is no OrderedDict")
            }
        case .binPersId: try push(try storage(try pop(1)[0]))
        }
    }
}

// MARK: The stack

extension Unpickler {
    private mutating func push(_ value: PickleValue) throws(CheckpointError) {
        pushed += 1
        guard pushed <= Self.valueLimit else { throw tooMany() }
        stack.append(value)
    }

    private mutating func pop(_ count: Int) throws(CheckpointError) -> [PickleValue] {
        guard stack.count - (marks.last ?? 0) >= count else { throw nonsense("takes a value where there is none") }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popToMark() throws(CheckpointError) -> [PickleValue] {
        guard let mark = marks.popLast() else { throw nonsense("ends what was never begun") }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    private func top() throws(CheckpointError) -> PickleValue {
        guard stack.count > (marks.last ?? 0), let top = stack.last else { throw nonsense("takes a value where there is none") }
        return top
    }

    private mutating func append(_ values: [PickleValue]) throws(CheckpointError) {
        if case .inert = try top() { return }
        guard case .list(let list) = try top() else { throw nonsense("appends to what is no list") }
        heap.lists[list].append(contentsOf: values)
    }

    private mutating func setItems(_ values: [PickleValue]) throws(CheckpointError) {
        if case .inert = try top() { return }
        guard case .dictionary(let dictionary) = try top() else { throw nonsense("sets items of what is no dictionary") }
        guard values.count.isMultiple(of: 2) else { throw nonsense("sets an item without a value") }
        for index in stride(from: 0, to: values.count, by: 2) {
            heap.dictionaries[dictionary].pairs.append((values[index], values[index + 1]))
        }
    }

    private mutating func remember(at index: Int) throws(CheckpointError) {
        guard memo.count < Self.valueLimit else { throw tooMany() }
        memo[index] = try top()
    }

    private func remembered(at index: Int) throws(CheckpointError) -> PickleValue {
        guard let value = memo[index] else { throw nonsense("refers to the value \(index), which there is not") }
        return value
    }

    private mutating func pushGlobal(_ module: String, _ name: String) throws(CheckpointError) {
        guard let global = PickleGlobal(module: module, name: name) else {
            throw refusal("the name \(CheckpointError.quoted("\(module).\(name)"))")
        }
        try push(.global(global))
    }
}

// MARK: Numbers, texts and faults

extension Unpickler {
    private mutating func number(_ count: Int) throws(CheckpointError) -> Int {
        guard let number = try cursor.number(count) else { throw nonsense("has a length that no file has") }
        return number
    }

    /// An integer from little-endian two's complement of any length.
    private static func integer(_ bytes: [UInt8]) -> PickleValue {
        guard bytes.count <= 8 else { return .wideInteger(bytes) }
        let fill: UInt64 = (bytes.last ?? 0) & 0x80 == 0 ? 0 : ~0
        return .integer(Int(truncatingIfNeeded: bytes.reversed().reduce(fill) { $0 << 8 | UInt64($1) }))
    }

    private mutating func text(_ count: Int) throws(CheckpointError) -> String {
        guard let text = String(validating: try cursor.bytes(count), as: UTF8.self) else {
            throw nonsense("holds a text that is no UTF-8")
        }
        return text
    }

    private func tooMany() -> CheckpointError { refusal("more than \(Self.valueLimit) values") }

    /// The error for a valid pickle that holds something that is not supported here.
    func refusal(_ what: String) -> CheckpointError {
        CheckpointError(
            .unsupported,
            "has, at byte \(instructionOffset), \(what), for which a dictionary of tensors has no use: nothing was run; save the network's "
                + "state_dict(), or convert the file to safetensors", path: cursor.file.path)
    }

    /// The error for bytes that are no valid pickle.
    func nonsense(_ what: String) -> CheckpointError {
        CheckpointError(
            .malformed, "has an instruction at byte \(instructionOffset) that \(what): the file is damaged, get it again",
            path: cursor.file.path)
    }
}

// MARK: Storages and tensors

extension Unpickler {
    /// The result of REDUCE: what a call of a known function or class returns for the arguments that torch writes.
    private mutating func result(of function: PickleGlobal, _ arguments: [PickleValue]) throws(CheckpointError) -> PickleValue {
        switch function {
        case .orderedDictionary:
            guard arguments.isEmpty else { throw refusal("an OrderedDict of \(arguments.count) arguments") }
            return heap.dictionary(isOrdered: true)
        case .rebuildParameter:
            guard arguments.count == 3, case .tensor = arguments[0] else { throw nonsense("makes a parameter of no tensor") }
            return arguments[0]
        case .rebuildTensor: return try tensor(arguments)
        case .storage: throw refusal("a call of a storage")
        case .inert: return .inert
        }
    }

    /// A storage from its persistent id, `('storage', type, key, device, count)`. Files of the older format add a sixth part:
    /// None, or the storage that this one is a view of, which is refused.
    private mutating func storage(_ identifier: PickleValue) throws(CheckpointError) -> PickleValue {
        guard case .tuple(let tuple) = identifier else { throw nonsense("refers to what is no storage") }
        let parts = heap.tuples[tuple]
        guard (5...6).contains(parts.count), case .text("storage") = parts[0], case .global(.storage(let type)) = parts[1],
            case .text(let key) = parts[2], case .text = parts[3], case .integer(let count) = parts[4], count >= 0
        else { throw nonsense("refers to what is no storage") }
        if parts.count == 6, case .none = parts[5] {} else if parts.count == 6 { throw refusal("a view of a storage") }
        let storage = PickleHeap.Storage(key: key, elementType: type, count: count)
        if let number = storageNumbers[key] {
            guard heap.storages[number] == storage else {
                throw nonsense("gives the storage \(CheckpointError.quoted(key)) another type or length than before")
            }
            return .storage(number)
        }
        heap.storages.append(storage)
        storageNumbers[key] = heap.storages.count - 1
        return .storage(heap.storages.count - 1)
    }

    /// A tensor from the arguments of `_rebuild_tensor_v2`: `(storage, offset, shape, strides, requires_grad, hooks)`. Newer
    /// files add a seventh, None or a dictionary of further properties, which must be empty.
    private mutating func tensor(_ arguments: [PickleValue]) throws(CheckpointError) -> PickleValue {
        guard (6...7).contains(arguments.count), case .storage(let storage) = arguments[0],
            case .integer(let offset) = arguments[1]
        else { throw nonsense("makes a tensor of no storage") }
        if arguments.count == 7, !isEmpty(arguments[6]) { throw refusal("a tensor with a conjugate or negative bit") }
        let (shape, strides) = (try counts(arguments[2]), try counts(arguments[3]))
        guard offset >= 0, shape.count == strides.count, shape.count <= SafetensorsHeader.axisLimit else {
            throw nonsense("makes a tensor whose shape and strides do not fit each other")
        }
        guard let count = TensorEntry.byteCount(shape, .int8), Self.lies(shape, strides, offset, in: heap.storages[storage].count)
        else { throw nonsense("makes a tensor of shape \(shape) that does not lie in its storage") }
        guard count <= heap.storages[storage].count else {
            throw refusal("a tensor of shape \(shape), an expanded view of fewer elements")
        }
        heap.views.append(PickleHeap.View(storage: storage, offset: offset, shape: shape, strides: strides))
        return .tensor(heap.views.count - 1)
    }

    private func isEmpty(_ value: PickleValue) -> Bool {
        switch value {
        case .none: true
        case .dictionary(let number): heap.dictionaries[number].pairs.isEmpty
        default: false
        }
    }

    private func counts(_ value: PickleValue) throws(CheckpointError) -> [Int] {
        guard case .tuple(let tuple) = value else { throw nonsense("makes a tensor without a shape") }
        var counts: [Int] = []
        for part in heap.tuples[tuple] {
            guard case .integer(let count) = part, count >= 0, counts.count <= SafetensorsHeader.axisLimit else {
                throw nonsense("makes a tensor with a shape that is none")
            }
            counts.append(count)
        }
        return counts
    }

    /// Whether all elements of a view lie in a storage of `count` elements.
    private static func lies(_ shape: [Int], _ strides: [Int], _ offset: Int, in count: Int) -> Bool {
        guard !shape.contains(0) else { return offset <= count }
        var last = offset
        for (extent, stride) in zip(shape, strides) {
            let (step, overflows) = (extent - 1).multipliedReportingOverflow(by: stride)
            let (sum, overflowsToo) = last.addingReportingOverflow(step)
            guard !overflows, !overflowsToo else { return false }
            last = sum
        }
        return last < count
    }
}
