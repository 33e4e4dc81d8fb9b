import Glibc
import Synchronization
import Testing

@testable import Engine

@Suite struct WorkerThreadsTests {
    private final class Belonging: Sendable {}

    @Test("every thread does the work once", arguments: [1, 2, 7])
    func work(count: Int) throws {
        let threads = Mutex<[pthread_t]>([])
        try WorkerThreads(count: count, stackSize: 1 << 20) { threads.withLock { $0.append(pthread_self()) } }.join()
        let ids = threads.withLock { $0 }
        #expect(ids.count == count)
        #expect(Set(ids).count == count)
    }

    @Test("what the work held is let go of when join returns")
    func release() throws {
        for _ in 0..<200 {
            weak var belonging: Belonging?
            do {
                let held = Belonging()
                belonging = held
                try WorkerThreads(count: 3, stackSize: 1 << 20) { withExtendedLifetime(held) {} }.join()
            }
            #expect(belonging == nil)
        }
    }
}
