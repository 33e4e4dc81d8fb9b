import Basics
import Testing

@Suite("Priority queues") struct PriorityQueueTests {
    @Test("entries come in the order of their priorities, whatever the order in which they were added")
    func order() {
        var random = RandomStream(seed: 3)
        var queue = PriorityQueue<Double, Int>()
        for round in 0..<20 {
            let priorities = (0..<(round * 7 + 1)).map { _ in Double(random.index(below: 50)) }
            for (index, priority) in priorities.enumerated() { queue.push(priority, index) }
            var found: [Double] = []
            var elements: Set<Int> = []
            while let (priority, element) = queue.pop() {
                #expect(priorities[element] == priority)
                found.append(priority)
                elements.insert(element)
            }
            #expect(found == priorities.sorted() && elements.count == priorities.count)
            #expect(queue.isEmpty)
        }
    }

    @Test("equal priorities come in the order of a standard binary heap")
    func ties() {
        var queue = PriorityQueue<Int, Character>()
        // The heap of a, b, c, d, e of equal priorities: the last one takes the place of the first, and stays there.
        for element in "abcde" { queue.push(0, element) }
        var found = ""
        while let (_, element) = queue.pop() { found.append(element) }
        #expect(found == "aedcb")
        // Of two equal children the first one rises.
        for (priority, element) in [(0, "a"), (1, "b"), (1, "c"), (2, "d")] as [(Int, Character)] {
            queue.push(priority, element)
        }
        #expect(queue.pop()?.element == "a" && queue.pop()?.element == "b" && queue.pop()?.element == "c")
    }

    @Test("a queue without entries gives nil, and serves again after it was emptied")
    func empty() {
        var queue = PriorityQueue<Int, Int>()
        #expect(queue.isEmpty && queue.pop() == nil)
        queue.push(2, 20)
        queue.push(1, 10)
        queue.removeAll()
        #expect(queue.isEmpty && queue.pop() == nil)
        queue.push(3, 30)
        #expect(queue.pop()?.element == 30 && queue.isEmpty)
    }
}
