import Foundation
import TestSupport
import Testing

/// The two tutorials, from an empty folder to networks of one's own, as a person follows them: what is typed (`sh`) and what is looked at
/// (`console`), in order.
@Suite("The tutorials") struct TutorialTests {
    /// What the tutorials say, and what the test does in its place, so that it takes seconds.
    private static let sizes = [
        "--tomograms 3 --size 256,256,64 --snr 0.5": "--tomograms 2 --size 192,192,40 --snr 2", "2..<26": "2..<36",
    ]

    /// What is set once there is a catalog, and again after a preset: networks that learn for a second, from the diffusion map's own masks.
    private static let hasty = """
        cellar recipe set features.mode=structure prepare.tiles.size=128 pseudo-labels.sources.sheets=false \
        pseudo-labels.sources.model=false train-membrane.network.width=4 train-membrane.network.levels=2 train-membrane.epoch.count=2 \
        train-membrane.epoch.steps=4 train-membrane.start=random train-membrane.initial=none train-particles.network.width=4 \
        train-particles.epoch.count=2 train-particles.epoch.steps=2 train-particles.start=random
        """

    /// The commands of a page in their order.
    private func commands(of article: Article) -> [String] {
        var (commands, language): ([String], String?) = ([], nil)
        for line in article.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line.hasPrefix("```") {
                language = language == nil ? String(line.dropFirst(3)) : nil
            } else if language == "sh", line.hasPrefix("cellar "), !line.hasPrefix("cellar serve") {
                commands.append(line)
            } else if language == "console", line.hasPrefix("$ ") {
                commands.append(String(line.dropFirst(2)))
            }
        }
        return commands
    }

    @Test("lead from an empty folder to networks of one's own")
    func tutorials() throws {
        let cellar = CellarProcess(in: try TemporaryDirectory())
        let program = CellarProcess.executable.deletingLastPathComponent().path
        func run(_ command: String) throws {
            let result = try cellar(running: ["bash", "-c", "PATH=\"$0:$PATH\"\n\(command)", program])
            #expect(result.status == 0, "\(command): \(result.errors)")
        }
        for name in ["FirstSegmentation", "OwnNetworks"] {
            let commands = commands(of: try Article.named(name))
            #expect(commands.count > 10)
            for command in commands {
                // Pictures of both have the same names.
                let forced = command.contains(" --output ") && !command.contains("export ") ? command + " --force" : command
                try run(Self.sizes.reduce(forced) { $0.replacing($1.key, with: $1.value) })
                if command == "cellar init" || command.hasPrefix("cellar recipe preset") { try run(Self.hasty) }
            }
        }
        let trained = try cellar("query", "SELECT DISTINCT step FROM v_trained_on ORDER BY step", "--format", "csv")
        #expect(trained.output == "step\ntrain-membrane\ntrain-particles\n", "\(trained.errors)")
        #expect(try cellar("plan", "--check").status == 0)
    }
}
