// swift-tools-version: 6.2
import PackageDescription

/// Every target speaks Swift 6 and says what it imports for itself; in CI a warning is an error.
let settings: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
    ] + (Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)])

let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "Cellar",
    products: [
        .executable(name: "cellar", targets: ["cellar"]),
        .library(name: "CellarKit", targets: ["CellarKit"]),
        // For the tests alone, which load it into the program: a product, so that it is built beside them.
        .library(name: "FaultInjection", type: .dynamic, targets: ["FaultInjection"]),
    ],
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    ],
    targets: [
        // Floor 0: the system's libraries.
        .systemLibrary(name: "CHDF5", providers: [.apt(["libhdf5-dev"])]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),

        // Floor 0: loops in C, for processors that are known only when they run.
        .target(name: "CKernels", exclude: ["README.md"]),

        // Floor 0: the small models that come with the program.
        .target(name: "CBuiltinModels", exclude: ["README.md", "models"]),

        // Floor 1: files of the field, and the frozen history of the catalog.
        .target(name: "Volumes", dependencies: ["CHDF5", "CZlib", crypto], exclude: ["README.md"], swiftSettings: settings),
        .target(
            name: "CatalogMigrations", path: "Migrations", exclude: ["README.md"],
            resources: [
                .embedInCode("v0001_catalog.sql"), .embedInCode("v0002_objects.sql"), .embedInCode("v0003_training.sql"),
                .embedInCode("v0004_measurements.sql"), .embedInCode("v0005_outputs.sql"),
            ], swiftSettings: settings),

        .target(name: "Tensors", dependencies: ["COpenBLAS", "CKernels"], exclude: ["README.md"], swiftSettings: settings),

        // Floor 2: what stands on files alone.
        .target(
            name: "CatalogSchema", dependencies: ["Volumes", grdb], path: "Schema",
            exclude: ["schema.sql", "views.md", "blobs.md"], swiftSettings: settings),
        .target(name: "BlobStore", dependencies: ["Volumes", "CHDF5", crypto], exclude: ["README.md"], swiftSettings: settings),
        .target(name: "ImageProcessing", dependencies: ["Volumes"], exclude: ["README.md"], swiftSettings: settings),
        .target(name: "Rendering", dependencies: ["CZlib", "Volumes"], exclude: ["README.md"], swiftSettings: settings),
        .target(name: "Simulation", dependencies: ["Volumes"], exclude: ["README.md"], swiftSettings: settings),
        .target(name: "Checkpoints", dependencies: ["Tensors"], exclude: ["README.md"], swiftSettings: settings),
        .target(name: "BuiltinModels", dependencies: ["CBuiltinModels", "Volumes"], swiftSettings: settings),

        // Floor 3: the database; networks.
        .target(name: "Diffusion", dependencies: ["Tensors", "Checkpoints"], exclude: ["README.md"], swiftSettings: settings),
        .target(name: "SpectralClustering", dependencies: ["Tensors"], exclude: ["README.md"], swiftSettings: settings),
        .target(
            name: "Cellpose", dependencies: ["Tensors", "Checkpoints", "ImageProcessing"], exclude: ["README.md"],
            swiftSettings: settings),
        .target(
            name: "Training", dependencies: ["Tensors", "Checkpoints", "ImageProcessing", "Volumes"],
            exclude: ["README.md"], swiftSettings: settings),
        .target(
            name: "Metrics", dependencies: ["ImageProcessing", "Volumes"], exclude: ["README.md"], swiftSettings: settings),
        .target(
            name: "Catalog", dependencies: ["CatalogSchema", "CatalogMigrations", "Volumes", grdb, sqlite],
            exclude: ["README.md"], swiftSettings: settings),

        // Floor 4: what is stale, why, and how it is made fresh.
        .target(
            name: "Engine", dependencies: ["Catalog", "CatalogSchema", "BlobStore", "Volumes", crypto, yams],
            exclude: ["README.md"], swiftSettings: settings),

        // Floor 5: the method.
        .target(
            name: "Pipeline",
            dependencies: [
                "Engine", "Catalog", "CatalogSchema", "BlobStore", "ImageProcessing", "Volumes", "Tensors", "Diffusion",
                "SpectralClustering", "Cellpose", "Training", "Metrics", crypto,
            ],
            exclude: ["README.md"], swiftSettings: settings),

        // Floor 6: the library for programs, and the program for people.
        .target(
            name: "CellarKit",
            dependencies: ["Catalog", "CatalogSchema", "Cellpose", "Diffusion", "Engine", "Pipeline", "Tensors", "Volumes"],
            swiftSettings: settings),
        .executableTarget(
            name: "cellar",
            dependencies: [
                "CellarKit", "Catalog", "CatalogSchema", "Engine", "Pipeline", "BlobStore", "ImageProcessing", "Rendering",
                "BuiltinModels", "Simulation", "Tensors", "Volumes", "Checkpoints", arguments,
            ],
            exclude: ["REFERENCE.md"], swiftSettings: settings),

        // Tests: one target for each target, and what they share.
        .target(name: "TensorTestSupport", dependencies: ["Tensors"], path: "Tests/TensorTestSupport", swiftSettings: settings),
        .target(name: "TestSupport", dependencies: ["Volumes"], path: "Tests/TestSupport", swiftSettings: settings),
        .target(name: "FaultInjection", path: "Tests/FaultInjection"),
        .testTarget(
            name: "VolumesTests", dependencies: ["Volumes", "TestSupport", "CHDF5", "CZlib"], exclude: ["real_data_values.py"],
            swiftSettings: settings),
        .testTarget(
            name: "BlobStoreTests", dependencies: ["BlobStore", "Volumes", "TestSupport", "CHDF5"], swiftSettings: settings),
        .testTarget(
            name: "ImageProcessingTests", dependencies: ["ImageProcessing", "Volumes", "TestSupport"],
            exclude: ["Golden/make_golden.py", "Golden/make_instances_golden.py", "Golden/make_operations_golden.py"],
            resources: [.copy("Golden/data")], swiftSettings: settings),
        .testTarget(
            name: "RenderingTests", dependencies: ["Rendering", "Volumes", "CZlib", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "BuiltinModelsTests",
            dependencies: [
                "BuiltinModels", "Cellpose", "Checkpoints", "Diffusion", "ImageProcessing", "Tensors", "Volumes", "TestSupport",
            ], swiftSettings: settings),
        .testTarget(
            name: "TensorsTests", dependencies: ["Tensors", "CKernels", "TensorTestSupport"], exclude: ["Golden/make_golden.py"],
            resources: [.copy("Golden/data")], swiftSettings: settings),
        .testTarget(
            name: "CheckpointsTests", dependencies: ["Checkpoints", "Tensors", "TestSupport"],
            exclude: ["Golden/make_golden.py", "Golden/make_torch_golden.py"],
            resources: [.copy("Golden/data")], swiftSettings: settings),
        .testTarget(
            name: "DiffusionTests", dependencies: ["Diffusion", "Checkpoints", "Tensors", "TestSupport"],
            exclude: [
                "Golden/make_golden.py", "Golden/make_tokenizer_golden.py", "Golden/check_diffusion.py", "Golden/recording.py",
            ],
            resources: [.copy("Golden/data")], swiftSettings: settings),
        .testTarget(
            name: "SpectralClusteringTests", dependencies: ["SpectralClustering", "Tensors", "TensorTestSupport"],
            exclude: ["Golden/make_golden.py"], resources: [.copy("Golden/data")], swiftSettings: settings),
        .testTarget(
            name: "CellposeTests",
            dependencies: ["Cellpose", "Checkpoints", "ImageProcessing", "Tensors", "Volumes", "TestSupport"],
            exclude: ["Golden/make_network_golden.py", "Golden/check_cellpose.py", "Golden/make_dynamics_golden.py"],
            resources: [.copy("Golden/data")], swiftSettings: settings),
        .testTarget(
            name: "TrainingTests",
            dependencies: [
                "Training", "Checkpoints", "ImageProcessing", "Tensors", "Volumes", "TestSupport", "TensorTestSupport",
            ],
            exclude: ["Golden/make_golden.py", "Golden/make_window_golden.py"], resources: [.copy("Golden/data")],
            swiftSettings: settings),
        .testTarget(
            name: "MetricsTests", dependencies: ["Metrics", "ImageProcessing", "Simulation", "Volumes", "TestSupport"],
            exclude: ["Golden/make_golden.py"], resources: [.copy("Golden/data")], swiftSettings: settings),
        .testTarget(name: "SimulationTests", dependencies: ["Simulation", "Volumes", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "CatalogTests",
            dependencies: ["Catalog", "CatalogSchema", "CatalogMigrations", "Volumes", "TestSupport", grdb],
            swiftSettings: settings),
        .target(
            name: "ToySteps", dependencies: ["Engine", "Catalog", "CatalogSchema", "BlobStore", "Volumes", grdb],
            path: "Tests/ToySteps", swiftSettings: settings),
        .executableTarget(
            name: "CrashRunner", dependencies: ["ToySteps", "BlobStore", "Catalog", "Engine"], path: "Tests/CrashRunner",
            swiftSettings: settings),
        .testTarget(
            name: "EngineTests",
            dependencies: [
                "Engine", "Catalog", "CatalogSchema", "BlobStore", "Volumes", "ToySteps", "CrashRunner", "TestSupport", grdb,
            ], swiftSettings: settings),
        .testTarget(
            name: "PipelineTests",
            dependencies: [
                "Pipeline", "Engine", "Catalog", "CatalogSchema", "BlobStore", "Cellpose", "Checkpoints", "Diffusion",
                "ImageProcessing", "Metrics", "Simulation", "Tensors", "Training", "Volumes", "TestSupport", grdb,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "CellarTests", dependencies: ["cellar", "CellarKit", "BlobStore", "Rendering", "Volumes", "TestSupport", arguments],
            swiftSettings: settings),
    ]
)
