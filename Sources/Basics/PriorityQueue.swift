/// A queue from which the entry of the lowest priority comes first: a binary heap.
///
/// The order of entries of equal priority follows from the layout of a standard binary heap: an entry rises while it is below its
/// parent, and of two equal children the first one fills a gap. scikit-image's watershed depends on this order.
///
/// Priorities and elements lie in two arrays, so that comparisons read few bytes.
// Inlinable, so that each caller gets a heap of its own types; through generic witnesses a flood would be several times slower.
@frozen
public struct PriorityQueue<Priority: Comparable & Sendable, Element: Sendable>: Sendable {
    @usableFromInline var priorities: [Priority] = []
    @usableFromInline var elements: [Element] = []

    /// An empty queue.
    @inlinable
    public init() {}

    /// Whether there is no entry.
    @inlinable
    public var isEmpty: Bool { priorities.isEmpty }

    /// Removes all entries, and keeps their memory for the next ones.
    @inlinable
    public mutating func removeAll() {
        priorities.removeAll(keepingCapacity: true)
        elements.removeAll(keepingCapacity: true)
    }

    /// Adds an entry.
    ///
    /// - Complexity: at most log₂ n comparisons.
    @inlinable @inline(__always)
    public mutating func push(_ priority: Priority, _ element: Element) {
        var hole = priorities.count
        priorities.append(priority)
        elements.append(element)
        priorities.withUnsafeMutableBufferPointer { priorities in
            elements.withUnsafeMutableBufferPointer { elements in
                while hole > 0 {
                    let parent = (hole &- 1) / 2
                    guard priority < priorities[parent] else { break }
                    (priorities[hole], elements[hole]) = (priorities[parent], elements[parent])
                    hole = parent
                }
                (priorities[hole], elements[hole]) = (priority, element)
            }
        }
    }

    /// Removes the entry of the lowest priority and returns it; nil where there is none.
    ///
    /// - Complexity: at most 2 log₂ n comparisons.
    @inlinable @inline(__always)
    public mutating func pop() -> (priority: Priority, element: Element)? {
        guard let priority = priorities.popLast(), let element = elements.popLast() else { return nil }
        let count = priorities.count
        guard count > 0 else { return (priority, element) }
        let first = (priorities[0], elements[0])
        priorities.withUnsafeMutableBufferPointer { priorities in
            elements.withUnsafeMutableBufferPointer { elements in
                var hole = 0
                while true {
                    var child = 2 &* hole &+ 1
                    guard child < count else { break }
                    if child &+ 1 < count, priorities[child &+ 1] < priorities[child] { child &+= 1 }
                    guard priorities[child] < priority else { break }
                    (priorities[hole], elements[hole]) = (priorities[child], elements[child])
                    hole = child
                }
                (priorities[hole], elements[hole]) = (priority, element)
            }
        }
        return first
    }
}
