import Foundation
import TestSupport
import Testing

/// The floors of the house: a target imports only what stands on lower floors.
@Suite struct ArchitectureTests {
    private static let floors: [String: Int] = [
        "CHDF5": 0, "CZlib": 0, "COpenBLAS": 0, "CKernels": 0, "CBuiltinModels": 0, "CCommit": 0,
        "Basics": 1,
        "Volumes": 2, "CatalogMigrations": 2, "Tensors": 2,
        "CatalogSchema": 3, "BlobStore": 3, "ImageProcessing": 3, "Rendering": 3, "Simulation": 3, "Checkpoints": 3,
        "BuiltinModels": 3,
        "Catalog": 4, "Diffusion": 4, "SpectralClustering": 4, "Cellpose": 4, "Training": 4, "Metrics": 4, "Mining": 4,
        "Engine": 5,
        "Pipeline": 6, "Cluster": 6,
        "Figures": 7,
        "CellarKit": 8,
        "Viewer": 9,
        "cellar": 10,
    ]

    private struct Manifest: Decodable {
        struct Target: Decodable {
            var name: String
            var type: String
            var path: String?
            var dependencies: [[String: [String?]]]

            enum CodingKeys: CodingKey { case name, type, path, dependencies }

            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: CodingKeys.self)
                name = try container.decode(String.self, forKey: .name)
                type = try container.decode(String.self, forKey: .type)
                path = try container.decodeIfPresent(String.self, forKey: .path)
                // Names come with conditions, which are no strings: those are passed over.
                dependencies = try container.decode([[String: [Name]]].self, forKey: .dependencies).map {
                    $0.mapValues { $0.map(\.text) }
                }
            }

            var names: [String] { dependencies.flatMap { $0.values.compactMap { $0.first ?? nil } } }
        }

        struct Name: Decodable {
            var text: String?
            init(from decoder: any Decoder) throws { text = try? decoder.singleValueContainer().decode(String.self) }
        }

        var targets: [Target]
    }

    private static func manifest() throws -> Manifest {
        // A scratch folder of its own: the build's is locked while tests run.
        let scratch = try TemporaryDirectory()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "swift", "package", "--package-path", Repository.path, "--scratch-path", scratch.path, "dump-package",
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return try JSONDecoder().decode(Manifest.self, from: data)
    }

    @Test("every target stands on a floor, and depends only on lower ones")
    func dependencies() throws {
        let manifest = try Self.manifest()
        let products = manifest.targets.filter { $0.type != "test" && !($0.path ?? "").hasPrefix("Tests/") }
        #expect(Set(products.map(\.name)) == Set(Self.floors.keys))
        for target in products {
            for name in target.names {
                guard let floor = Self.floors[target.name], let other = Self.floors[name] else { continue }
                #expect(other < floor, "\(target.name) depends on \(name)")
            }
        }
    }

    @Test("a file imports only what its target declares, and reads the database only by the catalog's operations")
    func imports() throws {
        let manifest = try Self.manifest()
        for target in manifest.targets where Self.floors[target.name] != nil {
            for path in Repository.swiftFiles(in: target.path ?? "Sources/\(target.name)") {
                let text = try Repository.text(of: path)
                #expect(target.name == "Catalog" || !text.contains("unsafeRead"), "\(path)")
                for match in text.matches(
                    of: /(?m)^(?:@\w+ )?(?:public |package |internal )?import (?:struct |class |enum )?(\w+)/)
                {
                    let module = String(match.1)
                    if module.hasPrefix("GRDB") {
                        #expect(["Catalog", "CatalogSchema"].contains(target.name), "\(path) imports \(module)")
                    }
                    guard Self.floors[module] != nil else { continue }
                    #expect(target.names.contains(module), "\(path) imports \(module)")
                }
            }
        }
    }
}
