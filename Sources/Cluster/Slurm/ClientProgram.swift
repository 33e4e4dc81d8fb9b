internal import Basics
internal import Foundation
internal import Glibc

/// A program that is run to its end with a text as its input and a time limit, without a shell: its arguments are what they are.
///
/// Its outputs go into files that are gone afterwards, so that none of them blocks it. It has a process group of its own: what
/// interrupts this program leaves it alone.
struct ClientProgram: Sendable {
    /// How it ended, and what it said.
    struct Outcome: Sendable, Equatable {
        /// The exit code; 128 and the number of the signal where one ended it.
        var status: CInt
        var output: String
        var errors: String
    }

    enum Failure: Error, Equatable {
        /// It is nowhere in PATH.
        case missing
        /// It cannot be started, for another reason of the system.
        case cannotStart(SystemError)
        /// It was ended at the time limit.
        case timeLimit
    }

    var name: String
    var arguments: [String]
    var input = ""
    /// The variables of its environment.
    var environment: [String: String]
    var timeLimitInSeconds: Double

    func run() throws(Failure) -> Outcome {
        let files = try (input: Self.unnamedFile(), output: Self.unnamedFile(), errors: Self.unnamedFile())
        defer { for file in [files.input, files.output, files.errors] { close(file) } }
        try Self.write(input, to: files.input)

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, files.input, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, files.output, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, files.errors, STDERR_FILENO)

        // As a shell starts programs, whatever this process ignores.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        for number in [SIGPIPE, SIGINT, SIGTERM] { sigaddset(&signals, number) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        let flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP
        posix_spawnattr_setflags(&attributes, Int16(flags))

        var process: pid_t = 0
        let path = try path()
        func start() -> CInt {
            Self.withPointers(to: [name] + arguments) { words in
                Self.withPointers(to: environment.map { "\($0)=\($1)" }) { variables in
                    posix_spawn(&process, path, &actions, &attributes, words, variables)
                }
            }
        }
        var status = start()
        // A file that was just written stays busy as long as a process that another thread forks has it open, too.
        for _ in 0..<100 where status == ETXTBSY {
            usleep(10_000)
            status = start()
        }
        guard status == 0 else { throw status == ENOENT ? .missing : .cannotStart(SystemError(status)) }
        let end = try wait(for: process)
        return Outcome(status: end, output: Self.text(of: files.output), errors: Self.text(of: files.errors))
    }

    /// The first file of its name that may be executed, in the folders of `PATH`.
    private func path() throws(Failure) -> String {
        for folder in (environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":") {
            let path = "\(folder)/\(name)"
            if (try? FileStatus(of: path))?.isFile == true, access(path, X_OK) == 0 { return path }
        }
        throw .missing
    }

    private func wait(for process: pid_t) throws(Failure) -> CInt {
        let begin = ContinuousClock.now
        var (status, pause): (CInt, UInt32) = (0, 1000)
        while true {
            let found = waitpid(process, &status, WNOHANG)
            if found == process { break }
            if found < 0, errno != EINTR { throw .cannotStart(.last) }
            if ContinuousClock.now - begin > .seconds(timeLimitInSeconds) {
                kill(-process, SIGKILL)
                while waitpid(process, &status, 0) < 0, errno == EINTR {}
                throw .timeLimit
            }
            usleep(pause)
            pause = min(20_000, pause + pause / 4)
        }
        // The macros of <sys/wait.h>, which Swift does not import.
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    }

    /// A file that is gone when it is closed.
    private static func unnamedFile() throws(Failure) -> CInt {
        var path = Array("\(NSTemporaryDirectory())/cellar-client-XXXXXX".utf8CString)
        let descriptor = mkstemp(&path)
        guard descriptor >= 0 else { throw .cannotStart(.last) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unlink(path)
        return descriptor
    }

    private static func write(_ text: String, to file: CInt) throws(Failure) {
        var rest = Array(text.utf8)[...]
        do throws(SystemError) {
            while !rest.isEmpty {
                let count = try SystemCall.uninterrupted { rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) } }
                rest = rest.dropFirst(count)
            }
        } catch { throw .cannotStart(error) }
        lseek(file, 0, SEEK_SET)
    }

    private static func text(of file: CInt) -> String {
        lseek(file, 0, SEEK_SET)
        let data = try? FileHandle(fileDescriptor: file, closeOnDealloc: false).readToEnd()
        return String(decoding: data ?? Data(), as: UTF8.self)
    }

    private static func withPointers<Result>(
        to texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let pointers = texts.map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        return body(pointers + [nil])
    }
}
