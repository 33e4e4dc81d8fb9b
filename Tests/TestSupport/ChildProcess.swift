import Foundation
public import Glibc
import Synchronization

/// Another process, and what it says.
public final class ChildProcess {
    public enum End: Equatable {
        case exit(Int32)
        case signal(Int32)
    }

    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    public let id: pid_t
    private let output: FileHandle
    private var end: End?

    /// Starts a program, found by the search path where its name holds no slash. What it prints on either stream is
    /// one text.
    public init(_ program: String, _ arguments: [String]) throws {
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

    public func kill() { Glibc.kill(id, SIGKILL) }

    /// Whether it has ended. Its end is still to be waited for.
    public var hasEnded: Bool {
        if end != nil { return true }
        var info = siginfo_t()
        return waitid(P_PID, id_t(id), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_signo == SIGCHLD
    }

    /// Waits for the first bytes that it prints; empty where it ends without.
    public func firstOutput() -> String { String(decoding: output.availableData, as: UTF8.self) }

    /// Waits for its end.
    ///
    /// - Returns: how it ended, and what it printed since `firstOutput`.
    public func wait() throws -> (end: End, output: String) {
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
    /// - Parameter variables: what its environment has beyond that of this process.
    public static func crashRunner(_ arguments: [String], variables: [String: String] = [:]) throws -> ChildProcess {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = URL(fileURLWithPath: tests).deletingLastPathComponent().appending(path: "CrashRunner").path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw Failure(description: "\(path) is missing: build the tests with `swift build --build-tests`")
        }
        guard !variables.isEmpty else { return try ChildProcess(path, arguments) }
        // `env` becomes the program: the child's id is the program's.
        return try ChildProcess("env", variables.map { "\($0)=\($1)" } + [path] + arguments)
    }
}
