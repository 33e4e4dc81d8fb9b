import ArgumentParser
import CellarKit
import Foundation
import Viewer

struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Show the collection, its slices and its numbers in a browser.",
        discussion: """
            Prints an address to open; who does not know the token in it sees nothing. The server answers this computer alone, \
            unless --host names another of its addresses: then whoever has the token can read all that the catalog holds, and \
            what is sent can be read on the way. From another computer, `ssh -L 8480:127.0.0.1:8480 HOST` is safer.

            The page may add and remove slabs, and judge particles, as the commands do; with --read-only it may not. \
            /api/v1 and /zarr are for programs: see the README.

            Ctrl-C ends it.
            """)

    @Option(help: "The port; 0 for any that is free.")
    var port: WholeNumber<0, 65535> = 8480

    @Option(help: ArgumentHelp("The address of this computer to serve at, or its name.", valueName: "address"))
    var host = "127.0.0.1"

    @Flag(help: "Let nothing be changed.")
    var readOnly = false

    @Flag(help: "Open the address in a browser, with xdg-open.")
    var open = false

    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let project = try catalogOptions.open()
        let listener = try ListeningSocket(host: host, port: UInt16(port.value))
        let access = ViewerAccess(host: listener.host, port: listener.port)
        let service = try ViewerService(project, access: access, isReadOnly: readOnly, version: CellarCommand.version)
        let server = ViewerServer(service, on: listener)
        let interruption = Interruption { server.stop() }
        defer { withExtendedLifetime(interruption) {} }
        server.start()
        print(access.address)
        OutputStreams.standard.flush()
        if !ViewerAccess.isLoopback(host) {
            note(
                "other computers can reach this; whoever has the address can read the catalog, and what is sent is not encrypted")
        }
        note("Ctrl-C ends it")
        if open { Self.open(access.address) }
        try server.wait()
    }

    /// Opens an address in a browser where there is a program that does.
    private static func open(_ address: String) {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        guard let program = folders.map({ "\($0)/xdg-open" }).first(where: { FileManager.default.isExecutableFile(atPath: $0) })
        else { return note("there is no xdg-open here; open the address yourself") }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = [address]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            note("\(program) cannot be started: \(error.sentence)")
        }
    }
}
