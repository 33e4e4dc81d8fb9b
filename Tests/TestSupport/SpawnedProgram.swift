import Foundation
import Glibc

/// A program run with what Foundation's `Process` cannot give it: arguments of any bytes, closed or full outputs, a time limit.
public struct SpawnedProgram {
    /// Where an output goes.
    public enum Target {
        /// Into the result.
        case captured
        /// Into whatever ``output`` goes, in the order in which it is written.
        case sameAsOutput
        case file(String)
        /// A descriptor of this process.
        case descriptor(CInt)
        case closed
    }

    public enum End: Hashable, Sendable {
        case exit(CInt)
        case signal(CInt)
        /// It was killed at the time limit.
        case timeLimit
    }

    public struct Result: Sendable {
        public let end: End
        public let output: String
        public let errors: String
        public let seconds: Double
    }

    public var executable: String
    public var arguments: [[UInt8]]
    /// The working folder.
    public var folder: String
    public var environment = ProcessInfo.processInfo.environment
    public var output = Target.captured
    public var errors = Target.captured
    public var timeLimitInSeconds = 60.0

    public init(_ executable: String, _ arguments: [[UInt8]], in folder: String) {
        (self.executable, self.arguments, self.folder) = (executable, arguments, folder)
    }

    /// Runs it to its end.
    ///
    /// - Throws: `CocoaError` where it cannot be started.
    public func run() throws -> Result {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        let (outputFile, errorFile) = (try Self.unnamedFile(), try Self.unnamedFile())
        defer { for file in [outputFile, errorFile] { close(file) } }
        Self.redirect(STDOUT_FILENO, to: output, captured: outputFile, &actions)
        Self.redirect(STDERR_FILENO, to: errors, captured: errorFile, &actions)

        // As a shell starts programs, whatever this process ignores.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        for number in [SIGPIPE, SIGINT, SIGTERM] { sigaddset(&signals, number) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

        // Swift does not import what sets the working folder here.
        let (env, folderWords) = ("/usr/bin/env", ["env", "-C", folder, executable])
        let words = folderWords.map { Array($0.utf8) } + arguments
        let variables = environment.map { Array("\($0)=\($1)".utf8) }
        var process: pid_t = 0
        let begin = ContinuousClock.now
        let status = Self.withPointers(to: words) { words in
            Self.withPointers(to: variables) { posix_spawn(&process, env, &actions, &attributes, words, $0) }
        }
        guard status == 0 else {
            throw CocoaError(.executableLoad, userInfo: [NSFilePathErrorKey: executable, "errno": status])
        }
        let end = wait(for: process, from: begin)
        let duration = (ContinuousClock.now - begin).components
        return Result(
            end: end, output: Self.text(of: outputFile), errors: Self.text(of: errorFile),
            seconds: Double(duration.seconds) + Double(duration.attoseconds) * 1e-18)
    }

    private func wait(for process: pid_t, from begin: ContinuousClock.Instant) -> End {
        var (status, isLate): (CInt, Bool) = (0, false)
        while true {
            let found = waitpid(process, &status, isLate ? 0 : WNOHANG)
            if found == process { break }
            if found < 0, errno != EINTR { return .signal(0) }
            if !isLate, ContinuousClock.now - begin > .seconds(timeLimitInSeconds) {
                kill(process, SIGKILL)
                isLate = true
            } else {
                usleep(1000)
            }
        }
        if isLate { return .timeLimit }
        // The macros of <sys/wait.h>, which Swift does not import.
        return status & 0x7F == 0 ? .exit(status >> 8 & 0xFF) : .signal(status & 0x7F)
    }

    private static func redirect(
        _ descriptor: CInt, to target: Target, captured file: CInt, _ actions: inout posix_spawn_file_actions_t
    ) {
        switch target {
        case .captured: posix_spawn_file_actions_adddup2(&actions, file, descriptor)
        case .sameAsOutput: posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, descriptor)
        case .file(let path): posix_spawn_file_actions_addopen(&actions, descriptor, path, O_WRONLY | O_APPEND, 0)
        case .descriptor(let other): posix_spawn_file_actions_adddup2(&actions, other, descriptor)
        case .closed: posix_spawn_file_actions_addclose(&actions, descriptor)
        }
    }

    /// A file that is gone when it is closed.
    private static func unnamedFile() throws -> CInt {
        var path = Array("\(NSTemporaryDirectory())/cellar-output-XXXXXX".utf8CString)
        let descriptor = mkstemp(&path)
        guard descriptor >= 0, fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else { throw CocoaError(.fileWriteUnknown) }
        unlink(path)
        return descriptor
    }

    private static func text(of file: CInt) -> String {
        lseek(file, 0, SEEK_SET)
        let data = try? FileHandle(fileDescriptor: file, closeOnDealloc: false).readToEnd()
        return String(decoding: data ?? Data(), as: UTF8.self)
    }

    private static func withPointers<Result>(
        to texts: [[UInt8]], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let pointers = texts.map { text in
            let pointer = UnsafeMutablePointer<CChar>.allocate(capacity: text.count + 1)
            for (index, byte) in text.enumerated() { pointer[index] = CChar(bitPattern: byte) }
            pointer[text.count] = 0
            return pointer
        }
        defer { for pointer in pointers { pointer.deallocate() } }
        return body(pointers + [nil])
    }
}
