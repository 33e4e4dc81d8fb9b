import Foundation
import Synchronization

/// What the program says: results on stdout, remarks and progress on stderr, in the order in which they are said.
///
/// It is the only way out: ``print(_:separator:terminator:)`` and ``note(_:)`` of this module go through it. Results wait until
/// 64 KiB have come together, until a remark is made, or until the end; on a terminal each line appears at once.
///
/// A write that fails does not end the command in the middle of its work. It is remembered, what follows on that stream is
/// dropped, and the exit code becomes 1. What prints or works for long looks at ``check()`` or ``failure`` and ends early.
final class OutputStreams: Sendable {
    /// Those of the process; a test of a command gives it others, which collect.
    @TaskLocal static var standard = OutputStreams(
        results: OutputChannel(
            STDOUT_FILENO, name: "standard output", bytesThatWait: isatty(STDOUT_FILENO) == 1 ? 0 : 1 << 16),
        remarks: OutputChannel(STDERR_FILENO, name: "standard error", bytesThatWait: 0))

    enum Stream { case results, remarks }

    private struct Channels {
        var results: OutputChannel
        var remarks: OutputChannel

        var failure: OutputError? { results.failure ?? remarks.failure }
    }

    private let channels: Mutex<Channels>

    private init(results: OutputChannel, remarks: OutputChannel) {
        channels = Mutex(Channels(results: results, remarks: remarks))
    }

    /// Runs a closure whose results and remarks are collected instead of written.
    static func collecting<Value>(
        _ body: () throws -> Value
    ) rethrows -> (value: Value, results: String, remarks: String) {
        let streams = OutputStreams(
            results: OutputChannel(nil, name: "results", bytesThatWait: 0),
            remarks: OutputChannel(nil, name: "remarks", bytesThatWait: 0))
        let value = try $standard.withValue(streams, operation: body)
        let (results, remarks) = streams.channels.withLock { ($0.results.collected, $0.remarks.collected) }
        return (value, results, remarks)
    }

    func write(_ text: String, to stream: Stream) {
        channels.withLock { channels in
            switch stream {
            case .results: channels.results.append(text)
            case .remarks:
                channels.results.flush()
                channels.remarks.append(text)
            }
        }
    }

    /// Lets all results appear that wait, before something that takes long.
    func flush() { channels.withLock { $0.results.flush() } }

    /// The first failure of either stream.
    var failure: OutputError? { channels.withLock { $0.failure } }

    /// - Throws: ``OutputError`` where something could not be written.
    func check() throws(OutputError) {
        if let failure { throw failure }
    }

    /// Writes what waits, and closes stdout, which is when network file systems say what they could not store.
    ///
    /// - Returns: the first failure of either stream.
    func finish() -> OutputError? {
        channels.withLock { channels in
            channels.results.close()
            return channels.failure
        }
    }
}

/// Why something could not be said.
struct OutputError: Error, Hashable, CustomStringConvertible {
    let stream: String
    /// The number of the system's error.
    let code: Int32

    /// Whether the reader has gone, as `head` does, and wants to hear no more.
    var isBrokenPipe: Bool { code == EPIPE }

    var description: String {
        "\(stream) cannot be written: \(String(cString: strerror(code))); make room, or write it somewhere else"
    }
}

/// A descriptor, what waits to be written to it, and whether that failed.
private struct OutputChannel {
    /// nil to collect what is said.
    private let descriptor: Int32?
    private let name: String
    private let bytesThatWait: Int
    private var waiting: [UInt8] = []
    private(set) var failure: OutputError?

    init(_ descriptor: Int32?, name: String, bytesThatWait: Int) {
        self.descriptor = descriptor
        self.name = name
        self.bytesThatWait = bytesThatWait
    }

    mutating func append(_ text: String) {
        guard failure == nil else { return }
        waiting.append(contentsOf: text.utf8)
        if waiting.count > bytesThatWait { flush() }
    }

    var collected: String { String(decoding: waiting, as: UTF8.self) }

    mutating func flush() {
        guard failure == nil, let descriptor else { return }
        failure = waiting.withUnsafeBytes { writeAll($0, to: descriptor) }.map { OutputError(stream: name, code: $0) }
        waiting.removeAll(keepingCapacity: true)
    }

    mutating func close() {
        flush()
        guard let descriptor else { return }
        // A descriptor that was never open is no failure where nothing was to be written.
        if Glibc.close(descriptor) != 0, errno != EBADF, errno != EINTR, failure == nil {
            failure = OutputError(stream: name, code: errno)
        }
    }

    /// - Returns: the number of the system's error where not all could be written.
    private func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32? {
        var written = 0
        while written < bytes.count, let start = bytes.baseAddress {
            let count = write(descriptor, start + written, bytes.count - written)
            if count >= 0 {
                written += count
            } else if errno == EAGAIN {
                // Another process that shares the pipe has set it not to wait; this one does.
                var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&request, 1, -1)
            } else if errno != EINTR {
                return errno
            }
        }
        return nil
    }
}

/// Prints results to stdout by ``OutputStreams``.
///
/// It has the signature of `Swift.print` and hides it in this module, so that no command can print past the check of what was
/// written.
func print(_ items: Any..., separator: String = " ", terminator: String = "\n") {
    let text = items.count == 1 ? "\(items[0])" : items.map { "\($0)" }.joined(separator: separator)
    OutputStreams.standard.write(text + terminator, to: .results)
}

/// Says something beside the result: on the error stream, so that output stays clean for programs.
func note(_ text: String) { OutputStreams.standard.write(text + "\n", to: .remarks) }
