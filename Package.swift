// swift-tools-version: 6.2
import PackageDescription

/// Every target speaks Swift 6 and says what it imports for itself; in CI a warning is an error.
let settings: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
    ] + (Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)])

/// Of tests that only call and compare: they are not optimised, so that they compile sooner. What they call is. The frontend is told and not the
/// driver, which would compile modules in another way then, with warnings that are wrong.
let calling = settings + [.unsafeFlags(["-Xfrontend", "-Onone"])]

let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
// Its sockets alone: why not its server stands in Sources/Viewer/README.md.
let sockets = Target.Dependency.product(name: "FlyingSocks", package: "FlyingFox")
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
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swhitty/FlyingFox", exact: "0.27.1"),
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

        // Floor 0: the commit, which packaging writes into the program.
        .target(name: "CCommit"),

        // Floor 0: errors, digests, random numbers: what every target needs once.
        .target(name: "Basics", dependencies: ["CKernels"], exclude: ["README.md"], swiftSettings: settings),

        // Floor 1: files of the field, and the frozen history of the catalog.
        .target(name: "Volumes", dependencies: ["Basics", "CHDF5", "CZlib"], exclude: ["README.md"], swiftSettings: settings),
        .target(
            name: "CatalogMigrations", path: "Migrations", exclude: ["README.md"],
            resources: [
                .embedInCode("v0001_catalog.sql"), .embedInCode("v0002_objects.sql"), .embedInCode("v0003_training.sql"),
                .embedInCode("v0004_measurements.sql"), .embedInCode("v0005_outputs.sql"),
                .embedInCode("v0006_removal.sql"), .embedInCode("v0007_evidence.sql"), .embedInCode("v0008_threshold.sql"),
                .embedInCode("v0009_uncertainty.sql"), .embedInCode("v0010_curation.sql"),
                .embedInCode("v0011_places.sql"),
                .embedInCode("v0012_totals.sql"), .embedInCode("v0013_compartments.sql"),
                .embedInCode("v0014_kinds.sql"),
                .embedInCode("v0015_membranes.sql"),
            ], swiftSettings: settings),

        .target(
            name: "Tensors", dependencies: ["Basics", "COpenBLAS", "CKernels"], exclude: ["README.md"], swiftSettings: settings),

        // Floor 2: what stands on files alone.
        .target(
            name: "CatalogSchema", dependencies: ["Basics", "Volumes", grdb], path: "Schema",
            exclude: ["schema.sql", "blobs.md", "datasette.yaml"],
            resources: [
                .embedInCode("views.md"),
                .embedInCode("Views/collection.sql"), .embedInCode("Views/results.sql"), .embedInCode("Views/runs.sql"),
                .embedInCode("Views/metrics.sql"), .embedInCode("Views/objects.sql"), .embedInCode("Views/training.sql"),
                .embedInCode("Views/evaluation.sql"),
            ], swiftSettings: settings),
        .target(
            name: "BlobStore", dependencies: ["Basics", "Volumes", "CHDF5"], exclude: ["README.md"], swiftSettings: settings),
        .target(
            name: "ImageProcessing", dependencies: ["Basics", "Tensors", "Volumes"], exclude: ["README.md"],
            swiftSettings: settings),
        .target(
            name: "Rendering", dependencies: ["Basics", "CZlib", "Volumes"], exclude: ["README.md"], swiftSettings: settings),
        .target(
            name: "Simulation", dependencies: ["Basics", "Tensors", "Volumes"], exclude: ["README.md"], swiftSettings: settings),
        .target(
            name: "Checkpoints", dependencies: ["Basics", "Tensors", "Volumes"], exclude: ["README.md"], swiftSettings: settings),
        .target(name: "BuiltinModels", dependencies: ["CBuiltinModels", "Volumes"], swiftSettings: settings),

        // Floor 3: the database; networks.
        .target(
            name: "Diffusion", dependencies: ["Basics", "Tensors", "Checkpoints"], exclude: ["README.md"], swiftSettings: settings
        ),
        .target(
            name: "SpectralClustering", dependencies: ["Basics", "Tensors"], exclude: ["README.md"], swiftSettings: settings),
        .target(
            name: "Cellpose", dependencies: ["Basics", "Tensors", "Checkpoints", "ImageProcessing"], exclude: ["README.md"],
            swiftSettings: settings),
        .target(
            name: "Training", dependencies: ["Basics", "Tensors", "Checkpoints", "ImageProcessing", "Volumes"],
            exclude: ["README.md"], swiftSettings: settings),
        .target(
            name: "Metrics", dependencies: ["Basics", "ImageProcessing", "Volumes"], exclude: ["README.md"],
            swiftSettings: settings),
        .target(
            name: "Mining", dependencies: ["Basics", "ImageProcessing", "Tensors", "Volumes"], exclude: ["README.md"],
            swiftSettings: settings),
        .target(
            name: "Catalog", dependencies: ["Basics", "CatalogSchema", "CatalogMigrations", "Volumes", grdb, sqlite],
            exclude: ["README.md"], swiftSettings: settings),

        // Floor 4: what is stale, why, and how it is made fresh.
        .target(
            name: "Engine", dependencies: ["Basics", "Catalog", "CatalogSchema", "BlobStore", "Volumes", yams],
            exclude: ["README.md"], swiftSettings: settings),

        // Floor 5: what computes a bundle's tasks elsewhere.
        .target(
            name: "Cluster", dependencies: ["Basics", "CatalogSchema", "Engine", "Volumes", yams],
            exclude: ["README.md", "COSTS.md"],
            swiftSettings: settings),

        // Floor 5: the method.
        .target(
            name: "Pipeline",
            dependencies: [
                "Basics", "Engine", "Catalog", "CatalogSchema", "BlobStore", "ImageProcessing", "Volumes", "Tensors", "Diffusion",
                "SpectralClustering", "Cellpose", "Training", "Metrics", "Mining",
            ],
            exclude: ["README.md"], swiftSettings: settings),

        // Floor 6: plots and pictures of a catalog.
        .target(
            name: "Figures",
            dependencies: [
                "Basics", "BlobStore", "Catalog", "CatalogSchema", "Engine", "ImageProcessing", "Metrics", "Pipeline",
                "Rendering", "Volumes",
            ],
            exclude: ["README.md"], swiftSettings: settings),

        // Floor 7: the library for programs.
        .target(
            name: "CellarKit",
            dependencies: [
                "Basics", "BlobStore", "BuiltinModels", "Catalog", "CatalogSchema", "Cellpose", "Checkpoints", "Diffusion",
                "Engine", "Figures", "ImageProcessing", "Mining", "Pipeline", "Rendering", "Simulation", "Tensors", "Volumes",
            ],
            exclude: ["README.md"], swiftSettings: settings),

        // Floor 8: what a browser and other programs see of a catalog.
        .target(
            name: "Viewer",
            dependencies: [
                "Basics", "BlobStore", "Catalog", "CatalogSchema", "CellarKit", "Engine", "Figures", "ImageProcessing",
                "Pipeline", "Rendering", "Volumes", sockets,
            ],
            exclude: ["README.md", "Pages/README.md", "Pictures"],
            resources: [
                .embedInCode("Pages/api.js"), .embedInCode("Pages/app.css"), .embedInCode("Pages/app.js"),
                .embedInCode("Pages/changes.js"), .embedInCode("Pages/collection.js"), .embedInCode("Pages/details.js"),
                .embedInCode("Pages/dom.js"),
                .embedInCode("Pages/facets.js"), .embedInCode("Pages/filters.js"), .embedInCode("Pages/glb.js"),
                .embedInCode("Pages/index.html"), .embedInCode("Pages/layers.js"), .embedInCode("Pages/numbers.js"),
                .embedInCode("Pages/palette.js"), .embedInCode("Pages/particles.js"), .embedInCode("Pages/readout.js"),
                .embedInCode("Pages/runs.js"),
                .embedInCode("Pages/similar.js"),
                .embedInCode("Pages/slices.js"), .embedInCode("Pages/solid.js"), .embedInCode("Pages/sql.js"),
                .embedInCode("Pages/table.js"), .embedInCode("Pages/tomogram.js"), .embedInCode("Pages/tomokeys.js"),
                .embedInCode("Pages/view.js"),
                .embedInCode("Pages/zstrip.js"),
            ], swiftSettings: settings),

        // Floor 9: the program for people.
        .executableTarget(
            name: "cellar",
            dependencies: [
                "Basics", "BlobStore", "BuiltinModels", "Catalog", "CatalogSchema", "CCommit", "CellarKit", "Checkpoints",
                "Cluster",
                "Engine", "Pipeline", "Simulation", "Tensors", "Viewer", "Volumes", arguments,
            ],
            exclude: ["ERRORS.md", "REFERENCE.md"], swiftSettings: settings),

        // Tests: one target for each target, and what they share.
        .target(
            name: "TestSupport", dependencies: ["Basics", "Tensors", "Volumes"], path: "Tests/TestSupport",
            swiftSettings: settings),
        .target(name: "FaultInjection", path: "Tests/FaultInjection"),
        .testTarget(name: "BasicsTests", dependencies: ["Basics", "CKernels", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "VolumesTests", dependencies: ["Basics", "Volumes", "TestSupport", "CHDF5", "CZlib"],
            exclude: [
                "check_written_zarr.py", "polnet_templates.csv", "real_data_values.py", "starfile_values.py",
                "Golden/make_zarr_golden.py", "Golden/random_stores.py",
            ],
            resources: [.copy("Golden/data")],
            swiftSettings: settings),
        .testTarget(
            name: "BlobStoreTests", dependencies: ["Basics", "BlobStore", "Volumes", "TestSupport", "CHDF5"],
            swiftSettings: calling),
        .testTarget(
            name: "ImageProcessingTests", dependencies: ["Basics", "ImageProcessing", "Volumes", "TestSupport"],
            exclude: ["Golden/make_golden.py", "Golden/make_instances_golden.py", "Golden/make_operations_golden.py"],
            resources: [.copy("Golden/data")], swiftSettings: settings),
        .testTarget(
            name: "RenderingTests", dependencies: ["Basics", "Rendering", "Volumes", "CZlib", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "BuiltinModelsTests",
            dependencies: [
                "Basics", "BuiltinModels", "Cellpose", "Checkpoints", "Diffusion", "ImageProcessing", "Tensors", "Volumes",
                "TestSupport",
            ], swiftSettings: settings),
        .testTarget(
            name: "TensorsTests", dependencies: ["Basics", "Tensors", "CKernels", "TestSupport"],
            exclude: ["Golden/make_golden.py"],
            resources: [.copy("Golden/data")], swiftSettings: settings),
        .testTarget(
            name: "CheckpointsTests", dependencies: ["Basics", "Checkpoints", "Tensors", "TestSupport"],
            exclude: ["Golden/make_golden.py", "Golden/make_torch_golden.py"],
            resources: [.copy("Golden/data")], swiftSettings: settings),
        .testTarget(
            name: "DiffusionTests", dependencies: ["Basics", "Diffusion", "Checkpoints", "Tensors", "TestSupport"],
            exclude: [
                "Golden/make_golden.py", "Golden/make_tokenizer_golden.py", "Golden/check_diffusion.py", "Golden/recording.py",
                "Golden/original_layout.py",
            ],
            resources: [.copy("Golden/data")], swiftSettings: settings),
        .testTarget(
            name: "SpectralClusteringTests", dependencies: ["Basics", "SpectralClustering", "Tensors", "TestSupport"],
            exclude: ["Golden/make_golden.py"], resources: [.copy("Golden/data")], swiftSettings: settings),
        .testTarget(
            name: "CellposeTests",
            dependencies: ["Basics", "Cellpose", "Checkpoints", "ImageProcessing", "Tensors", "Volumes", "TestSupport"],
            exclude: ["Golden/make_network_golden.py", "Golden/check_cellpose.py", "Golden/make_dynamics_golden.py"],
            resources: [.copy("Golden/data")], swiftSettings: settings),
        .testTarget(
            name: "TrainingTests",
            dependencies: [
                "Basics", "Training", "Checkpoints", "ImageProcessing", "Tensors", "Volumes", "TestSupport",
            ],
            exclude: ["Golden/make_golden.py", "Golden/make_window_golden.py"], resources: [.copy("Golden/data")],
            swiftSettings: settings),
        .testTarget(
            name: "MetricsTests", dependencies: ["Basics", "Metrics", "ImageProcessing", "Volumes", "TestSupport"],
            exclude: ["Golden/make_golden.py"], resources: [.copy("Golden/data")], swiftSettings: settings),
        .testTarget(
            name: "MiningTests", dependencies: ["Basics", "Mining", "ImageProcessing", "Tensors", "Volumes", "TestSupport"],
            exclude: ["golden_rotations.py"],
            swiftSettings: settings),
        .testTarget(
            name: "SimulationTests", dependencies: ["Basics", "Tensors", "Simulation", "Volumes", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "CatalogTests",
            dependencies: ["Basics", "Catalog", "CatalogSchema", "CatalogMigrations", "Volumes", "TestSupport", grdb],
            exclude: ["Golden"], swiftSettings: calling),
        .target(
            name: "ToySteps", dependencies: ["Basics", "Engine", "Catalog", "CatalogSchema", "BlobStore", "Volumes", grdb],
            path: "Tests/ToySteps", swiftSettings: settings),
        .executableTarget(
            name: "CrashRunner", dependencies: ["Basics", "ToySteps", "BlobStore", "Catalog", "Cluster", "Engine"],
            path: "Tests/CrashRunner", swiftSettings: settings),
        .testTarget(
            name: "EngineTests",
            dependencies: [
                "Basics", "Engine", "Catalog", "CatalogSchema", "BlobStore", "Volumes", "ToySteps", "CrashRunner", "TestSupport",
                grdb,
            ], swiftSettings: calling),
        .testTarget(
            name: "ClusterTests",
            dependencies: [
                "Basics", "BlobStore", "Catalog", "Cluster", "CrashRunner", "Engine", "ToySteps", "TestSupport",
            ],
            swiftSettings: calling),
        .testTarget(
            name: "PipelineTests",
            dependencies: [
                "Basics", "Pipeline", "Engine", "Catalog", "CatalogSchema", "BlobStore", "Cellpose", "Checkpoints", "Diffusion",
                "ImageProcessing", "Metrics", "Mining", "Simulation", "Tensors", "Training", "Volumes", "TestSupport", grdb,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "FiguresTests",
            dependencies: [
                "Basics", "BlobStore", "Catalog", "CatalogSchema", "Engine", "Figures", "ImageProcessing", "Pipeline",
                "Rendering", "Volumes", "TestSupport",
            ], swiftSettings: calling),
        .testTarget(
            name: "ViewerTests",
            dependencies: [
                "Basics", "BlobStore", "Catalog", "CatalogSchema", "CellarKit", "Engine", "Figures", "ImageProcessing",
                "Pipeline",
                "Rendering", "Viewer", "Volumes", "cellar", "TestSupport",
            ], swiftSettings: calling),
        .testTarget(
            name: "CellarKitTests",
            dependencies: ["Basics", "CellarKit", "TestSupport"], swiftSettings: calling),
        .testTarget(
            name: "CellarTests",
            dependencies: [
                "Basics", "cellar", "CatalogSchema", "CellarKit", "BlobStore", "Engine", "Volumes", "TestSupport", arguments,
            ],
            exclude: ["Workflows"], swiftSettings: calling),
    ]
)
