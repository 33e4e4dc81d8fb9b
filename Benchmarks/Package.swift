// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that nobody who uses Cellar builds benchmarks. It depends on CellarKit, and imports the
// modules that CellarKit stands on.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]
let cellar = Target.Dependency.product(name: "CellarKit", package: "Cellar")

let package = Package(
    name: "Benchmarks",
    products: [
        .executable(name: "plan-benchmark", targets: ["PlanBenchmark"]),
        .executable(name: "engine-benchmark", targets: ["EngineBenchmark"]),
        .executable(name: "survey-benchmark", targets: ["SurveyBenchmark"]),
        .executable(name: "clahe-benchmark", targets: ["CLAHEBenchmark"]),
        .executable(name: "blob-benchmark", targets: ["BlobBenchmark"]),
        .executable(name: "image-benchmark", targets: ["ImageBenchmark"]),
        .executable(name: "flow-benchmark", targets: ["FlowBenchmark"]),
        .executable(name: "tensor-benchmark", targets: ["TensorBenchmark"]),
        .executable(name: "diffusion-benchmark", targets: ["DiffusionBenchmark"]),
        .executable(name: "spectral-benchmark", targets: ["SpectralBenchmark"]),
        .executable(name: "cellpose-benchmark", targets: ["CellposeBenchmark"]),
        .executable(name: "training-benchmark", targets: ["TrainingBenchmark"]),
        .executable(name: "picking-benchmark", targets: ["PickingBenchmark"]),
        .executable(name: "metrics-benchmark", targets: ["MetricsBenchmark"]),
        .executable(name: "mining-benchmark", targets: ["MiningBenchmark"]),
        .executable(name: "statistics-benchmark", targets: ["StatisticsBenchmark"]),
        .executable(name: "splitter-quality", targets: ["SplitterQuality"]),
        .executable(name: "network-teacher", targets: ["NetworkTeacher"]),
    ],
    dependencies: [
        .package(name: "Cellar", path: ".."),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    ],
    targets: [
        .target(name: "BenchmarkSupport", dependencies: [cellar], swiftSettings: settings),
        .executableTarget(
            name: "PlanBenchmark",
            dependencies: [cellar, "BenchmarkSupport", .product(name: "GRDB", package: "GRDB.swift")], swiftSettings: settings),
        .executableTarget(name: "EngineBenchmark", dependencies: [cellar, "BenchmarkSupport"], swiftSettings: settings),
        .executableTarget(name: "SurveyBenchmark", dependencies: [cellar], swiftSettings: settings),
        .executableTarget(name: "CLAHEBenchmark", dependencies: [cellar], swiftSettings: settings),
        .executableTarget(name: "BlobBenchmark", dependencies: [cellar], swiftSettings: settings),
        .executableTarget(name: "ImageBenchmark", dependencies: [cellar], swiftSettings: settings),
        .executableTarget(name: "FlowBenchmark", dependencies: [cellar, "BenchmarkSupport"], swiftSettings: settings),
        .executableTarget(name: "TensorBenchmark", dependencies: [cellar, "BenchmarkSupport"], swiftSettings: settings),
        .executableTarget(name: "DiffusionBenchmark", dependencies: [cellar, "BenchmarkSupport"], swiftSettings: settings),
        .executableTarget(name: "SpectralBenchmark", dependencies: [cellar, "BenchmarkSupport"], swiftSettings: settings),
        .executableTarget(name: "CellposeBenchmark", dependencies: [cellar, "BenchmarkSupport"], swiftSettings: settings),
        .executableTarget(name: "TrainingBenchmark", dependencies: [cellar, "BenchmarkSupport"], swiftSettings: settings),
        .executableTarget(name: "PickingBenchmark", dependencies: [cellar, "BenchmarkSupport"], swiftSettings: settings),
        .executableTarget(name: "MetricsBenchmark", dependencies: [cellar, "BenchmarkSupport"], swiftSettings: settings),
        .executableTarget(name: "MiningBenchmark", dependencies: [cellar, "BenchmarkSupport"], swiftSettings: settings),
        .executableTarget(
            name: "StatisticsBenchmark",
            dependencies: [cellar, "BenchmarkSupport", .product(name: "GRDB", package: "GRDB.swift")],
            resources: [.embedInCode("fill.sql")], swiftSettings: settings),
        .executableTarget(name: "SplitterQuality", dependencies: [cellar], swiftSettings: settings),
        .executableTarget(name: "NetworkTeacher", dependencies: [cellar], swiftSettings: settings),
    ]
)
