import Foundation
import Glibc
import Synchronization

/// Another process, and what it says.
final class ChildProcess {
    enum End: Equatable {
        case exit(Int32)
        case signal(Int32)
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let id: pid_t
    private let output: FileHandle
    private var end: End?

    /// Starts a program, found by the search path where its name holds no slash. What it prints on either stream is
    /// one text.
    init(_ program: String, _ arguments: [String]) throws {
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var (id, ends, status) = (pid_t(), [Int32](repeating: -1, count: 2), Int32(0))
        // One at a time, so that no child inherits the writing end of another's pipe.
        Self.spawning.withLock { _ in
            guard Glibc.pipe(&ends) == 0 else {
                status = errno
                return
            }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            var actions = posix_spawn_file_actions_t()
            posix_spawn_file_actions_init(&actions)
            defer { posix_spawn_file_actions_destroy(&actions) }
            posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
            posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO)
            status = posix_spawnp(&id, program, &actions, nil, &words, environ)
            close(ends[1])
        }
        output = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
        guard status == 0 else { throw Failure(description: "\(program) did not start: \(String(cString: strerror(status)))") }
        self.id = id
    }

    private static let spawning = Mutex<Void>(())

    deinit {
        guard end == nil else { return }
        Glibc.kill(id, SIGKILL)
        waitpid(id, nil, 0)
    }

    func kill() { Glibc.kill(id, SIGKILL) }

    /// Waits for the first bytes that it prints; empty where it ends without.
    func firstOutput() -> String { String(decoding: output.availableData, as: UTF8.self) }

    /// Waits for its end.
    ///
    /// - Returns: how it ended, and what it printed since `firstOutput`.
    func wait() throws -> (end: End, output: String) {
        let text = String(decoding: try output.readToEnd() ?? Data(), as: UTF8.self)
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0 {
            guard errno == EINTR else { throw Failure(description: "waitpid: \(String(cString: strerror(errno)))") }
        }
        let signal = status & 0x7f
        let result: End = signal == 0 ? .exit((status >> 8) & 0xff) : .signal(signal)
        end = result
        return (result, text)
    }
}

extension ChildProcess {
    /// The program `CrashRunner`, which is built beside the tests.
    ///
    /// - Parameter fileSystem: the kind of file system that it takes every one for; nil for what they are.
    static func crashRunner(_ arguments: [String], fileSystem: String? = nil) throws -> ChildProcess {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = URL(fileURLWithPath: tests).deletingLastPathComponent().appending(path: "CrashRunner").path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw Failure(description: "\(path) is missing: build the tests with `swift build --build-tests`")
        }
        // `env` becomes the program: the child's id is the program's.
        if let fileSystem { return try ChildProcess("env", ["CELLAR_FILE_SYSTEM=\(fileSystem)", path] + arguments) }
        return try ChildProcess(path, arguments)
    }
}
