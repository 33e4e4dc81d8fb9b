import ArgumentParser
import Basics
import CellarKit
import Foundation
import Viewer

struct MCPCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mcp", abstract: "Answer an assistant's questions over standard input and output.",
        discussion: """
            Speaks the Model Context Protocol: an assistant starts this command, and asks in SQL what the catalog holds, what a run would do \
            and why, and how a slice looks. Nothing can be changed. Add it to the assistant's servers as

            cellar mcp --catalog /data/project
            """)

    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let server = try MCPServer(catalogOptions.open(), version: CellarCommand.version)
        var lines = MessageLines()
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(STDIN_FILENO, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw CatalogError(
                    .storage, "standard input cannot be read (\(String(cString: strerror(errno)))); start `cellar mcp` again")
            }
            let found = count > 0 ? lines.append(buffer[..<count]) : lines.end().map { [$0] } ?? []
            for line in found {
                guard let answer = server.answer(line) else { continue }
                print(String(decoding: answer, as: UTF8.self))
                OutputStreams.standard.flush()
                try OutputStreams.standard.check()
            }
            if count == 0 { return }
        }
    }
}
