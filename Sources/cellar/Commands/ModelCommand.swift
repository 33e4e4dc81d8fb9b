import ArgumentParser
import Basics
import CellarKit
import Checkpoints
import Foundation

struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Say which weights steps may use.",
        discussion: """
            Weights stay where they are; the catalog keeps their path and the digest of their content. A recipe names a model, \
            as in `cellar recipe set features.model=sd15`. Other weights under the same name make stale what was computed with \
            the earlier ones.
            """,
        subcommands: [Add.self, Builtin.self, List.self, Verify.self, Convert.self])

    static func kind(_ word: String) throws -> ModelKind {
        guard let kind = ModelKind(rawValue: word) else {
            let kinds = ModelKind.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("'\(word)' is no kind of model; give one of \(kinds).")
        }
        return kind
    }

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a model, or new weights for one.",
            discussion: """
                The kind diffusion is Stable Diffusion 1.x or 2.x: a folder in the layout of diffusers, with weights as safetensors \
                or as torch.save wrote them (float32, float16 or bfloat16, in one file or in several); or one file in the layout of \
                its authors, .safetensors or .ckpt. Such a file has no tokenizer: without vocab.json and merges.txt of CLIP, beside it or \
                by --tokenizer, only the empty prompt is known. Models for inpainting, Stable Diffusion XL, 3 and Flux are refused. \
                Every tensor's name, type and shape is checked, and a small image is sent through. Whether a model predicts noise or \
                velocity makes no difference: features are read before its prediction. The kind cellpose is a network of CellPose \
                (cyto, cyto2, cyto3, nuclei, or trained from them), a file that CellPose saved, or the same tensors as safetensors; the \
                transformer cpsam is refused.
                """)

        @Argument(help: "The name that recipes use.")
        var name: String

        @Argument(help: "The folder or file of the weights.", completion: .file())
        var path: String

        @Option(help: ArgumentHelp("What it is: diffusion or cellpose.", valueName: "kind"), transform: ModelCommand.kind)
        var kind: ModelKind

        @Option(
            help: ArgumentHelp(
                "The folder with the tokenizer of a diffusion model in one file.", valueName: "folder"),
            completion: .directory)
        var tokenizer: String?

        @Option(help: ArgumentHelp("Under which licence it may be used, for the list.", valueName: "text"))
        var licence: String?

        @Option(help: ArgumentHelp("Where it comes from, for the list.", valueName: "text"))
        var provenance: String?

        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            let catalog = try catalogOptions.open().catalog
            var files = try ModelFiles(path, kind: kind, tokenizer: tokenizer)
            let line = ProgressOptions.shown(name)
            defer { line.clear() }
            line.show("checking")
            try files.verify()
            let summary = try files.summary()
            files = try files.joiningTokenizer(as: name, in: catalog.directory.models)
            line.show("computing the digest")
            let digest = try files.digest()
            let (record, earlier) = try catalog.collection.setModel(
                name: name, kind: kind.rawValue, path: files.path, digest: digest, licence: licence, provenance: provenance)
            line.clear()
            let change =
                switch earlier {
                case nil: "added"
                case digest: "same weights as before"
                default: "new weights; what was computed with the earlier ones is stale"
                }
            print("\(record.name): \(record.kind) model \(digest.abbreviated), \(change)")
            if let summary { print("  \(summary)") }
        }
    }

    struct Builtin: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add the small models that come with the program, as `init` does.",
            discussion: """
                For catalogs of earlier versions, and where their files were lost. They are for trying out, testing and small work: \
                cellar recipe set features.mode=diffusion features.model=builtin-diffusion
                """)

        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            for (record, isNew) in try catalogOptions.open().installBuiltinModels() {
                print(
                    "\(record.name): \(record.kind) model \(record.digest.abbreviated), \(isNew ? "added" : "same weights as before")"
                )
            }
        }
    }

    struct Convert: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write weights as safetensors.",
            discussion: """
                Reads what torch.save wrote (ZIP or legacy), or safetensors in one file or in shards (their index), and writes one \
                safetensors file with the same tensors. Of a pickle nothing is executed: anything in it but tensors is refused.
                """)

        @Argument(help: "The weights.", completion: .file())
        var input: String

        @Option(help: ArgumentHelp("The file to write.", valueName: "file.safetensors"))
        var output: String

        @OptionGroup var writingOptions: WritingOptions

        func run() throws {
            let file = try writingOptions.file(output)
            let checkpoint = try Checkpoint(path: input)
            try checkpoint.writeSafetensors(to: file)
            print("\(output): \(checkpoint.files.reduce(0) { $0 + $1.tensors.count }) tensors")
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List models.")

        @Option(
            name: .customLong("where"), help: ArgumentHelp("An SQL expression over the columns of v_model.", valueName: "sql"))
        var expression: String?

        @OptionGroup var formatOptions: FormatOptions
        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            try printView(
                "v_model", columns: "id, name, kind, substr(digest, 1, 12) AS digest, licence, provenance, path",
                where: expression,
                format: formatOptions.format, in: catalogOptions.open().catalog)
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check that the weights of models are sound, and those that were added.")

        @Argument(help: "Models: their names, or id:N; all, if none is given.")
        var names: [String] = []

        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            let catalog = try catalogOptions.open().catalog
            let models =
                try names.isEmpty
                ? catalog.collection.models().values.sorted { $0.name < $1.name } : names.map(catalog.collection.model(named:))
            var problems = 0
            for record in models {
                let line = ProgressOptions.shown(record.name)
                line.show("checking")
                do {
                    guard let kind = ModelKind(rawValue: record.kind) else {
                        throw ValidationError(
                            "is of the kind \(record.kind), which this version of Cellar does not know; use the one that added it"
                        )
                    }
                    let files = try ModelFiles(record.path, kind: kind)
                    try files.verify()
                    line.show("computing the digest")
                    guard try files.digest() == record.digest else {
                        throw ValidationError(
                            "the files in \(record.path) are sound, but not those that were added; put them back, or add them again"
                        )
                    }
                    line.clear()
                    print("\(record.name): sound")
                } catch {
                    line.clear()
                    problems += 1
                    note("cellar: \(record.name): \(error)")
                }
            }
            if problems > 0 { throw ExitCode(1) }
        }
    }
}
