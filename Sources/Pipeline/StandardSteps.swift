public import Engine

/// The steps of the method, in any order: the engine sorts them by their inputs.
///
/// A new step is a file in `Steps/` and a line here.
public enum StandardSteps {
    public static let all: [any Step] = [
        DescribeStep(), CalibrateStep(), ExtentStep(), SampleStep(), PrepareStep(), FeaturesStep(), EigenvectorsStep(),
        FeatureMapStep(), ConsistencyStep(), MaskStep(), SplitStep(), LinkStep(), SheetsStep(), ModelLabelsStep(), BlobsStep(),
        PseudoLabelsStep(), TrainMembraneStep(), TrainParticlesStep(),
        Relabel2Step(), TrainMembrane2Step(), TrainParticles2Step(), Relabel3Step(), TrainMembrane3Step(), TrainParticles3Step(),
        SegmentStep(), PickStep(), CentreSurfaceStep(), MembraneStep(), MeasureStep(), CompartmentsStep(),
        DescriptorsStep(), MeasurePicksStep(), EvaluateStep(),
        EvaluatePicksStep(), EvaluatePseudoLabelsStep(),
    ]
}

/// A named set of values for parameters of several steps.
///
/// All presets set the same parameters, so that a change from one preset to another and back restores the recipe. Other parameters of a
/// recipe are not changed.
public struct RecipePreset: Sendable, Hashable {
    public let name: String
    /// Its purpose, in half a line.
    public let summary: String
    private let values: [String: String]

    /// The values that measured best over seeds and noise (Benchmarks/NOTES.md), with the model that the recipe names.
    ///
    /// The steps' own defaults are the same except for `features`, `pseudo-labels`, `segment` and `pick`, whose defaults need no
    /// model.
    public static let standard = RecipePreset(
        name: "default", summary: "what measured best over seeds and noise, with a diffusion model",
        values: [
            "features.mode": "diffusion", "features.timesteps.count": "4",
            "segment.network": "both", "pick.network": "both",
            // Where several say the same they are mostly right: networks learn far better from that.
            "pseudo-labels.sources.model": "true", "pseudo-labels.sources.sheets": "true", "pseudo-labels.trusted": "model",
            "pseudo-labels.ground": "settled",
        ])

    /// For large collections: fewer passes of the diffusion model, and those in numbers of 16 bits.
    public static let fast = RecipePreset(
        name: "fast", summary: "default, but the diffusion model looks at every second slice, in numbers of 16 bits",
        values: standard.values.merging(["features.every": "2", "features.arithmetic": "bfloat16"]) { $1 })

    /// The published method: Uddin et al., CVPR 2026, the loop that it builds on (arXiv 2312.06716), and DeepETPicker for the picker.
    ///
    /// Everything that this program adds to it is off. Where the papers need a number and give none, the recipe's value stays: for contrast, the
    /// size of particles and the length of training. They give no radius for closing and dilation: here it is one pixel, the least radius with
    /// an effect.
    public static let paper = RecipePreset(
        name: "paper", summary: "the published parameters; needs a diffusion model and one of CellPose",
        values: published.merging(additionsOff) { $1 })

    /// The values in the papers.
    static let published = [
        "prepare.tiles.count": "2", "prepare.tiles.overlap": "0", "prepare.tiles.size": "512",
        "features.mode": "diffusion", "features.keep": "attention", "features.layers": "all", "features.prompt": "",
        "features.timesteps.last": "250", "features.timesteps.list": "",
        "eigenvectors.affinity": "attention", "eigenvectors.count": "20", "eigenvectors.solver": "adam",
        "eigenvectors.adam.updates": "100", "eigenvectors.adam.iterations": "20", "eigenvectors.adam.learning_rate": "0.002",
        "eigenvectors.pooling": "average",
        "feature-map.source": "eigenvectors", "feature-map.merge.base": "diversity", "feature-map.candidates": "20",
        "consistency.neighbour_similarity": "0.9", "consistency.slice_similarity": "0.8", "consistency.weight": "0.5",
        "mask.method": "adaptive", "mask.block": "15", "mask.offset": "3",
        "split.method": "cellpose", "split.cellpose.input": "mask", "split.cellpose.probability": "0",
        "split.cellpose.flow_error": "0.4", "split.membrane.closing": "1", "split.membrane.dilation": "1",
        "pseudo-labels.sources.diffusion": "true",
        "train-membrane.network.dimensions": "2", "train-membrane.loss.dice": "1", "train-membrane.loss.cross_entropy": "1",
        "train-membrane.patch.turned": "true", "segment.threshold": "0.5",
        "train-particles.network.width": "24", "train-particles.patch.size": "72", "train-particles.patch.jitter": "14",
        "train-particles.patch.foreground": "1", "train-particles.batch": "8", "train-particles.epoch.count": "60",
        "train-particles.loss.dice": "1", "train-particles.loss.cross_entropy": "0",
        "train-particles.optimizer.learning_rate": "0.001", "train-particles.optimizer.weight_decay": "0.01",
        "train-particles.optimizer.schedule": "one-cycle", "pick.margin": "12",
    ]

    /// The values that switch off what this program adds to the published method: gates of shapes and sizes, cuts and joins of particles, least
    /// scores, weights of eigenvectors, and additions to training.
    static let additionsOff = [
        "features.every": "1", "features.arithmetic": "float32",
        "eigenvectors.weights.encoder": "1", "eigenvectors.weights.middle": "1",
        "eigenvectors.weights.decoder": "1",
        "eigenvectors.weights.level0": "1", "eigenvectors.weights.level1": "1", "eigenvectors.weights.level2": "1",
        "eigenvectors.weights.level3": "1", "eigenvectors.power": "1", "eigenvectors.cutoff": "0",
        "eigenvectors.constant_tolerance": "0", "feature-map.scale.lower_percentile": "0",
        "feature-map.scale.upper_percentile": "100", "feature-map.scale.of": "tile", "feature-map.floor": "0",
        "feature-map.join": "separate", "feature-map.upsampling.method": "bilinear",
        "split.gate.smallest_section": "0", "split.gate.largest_section": "0", "split.gate.aspect_ratio": "0",
        "split.gate.fill": "0", "split.gate.circularity": "0", "split.membrane.shortest": "0", "split.membrane.widest": "0",
        "link.gap": "0", "link.waist": "0", "link.particle.shortest": "0",
        "link.particle.flattest": "0", "link.particle.longest": "0", "link.particle.smallest": "0",
        "link.particle.largest": "0", "link.particle.separation": "0",
        "link.particle.confidence": "0", "pseudo-labels.membrane.smallest_volume": "0", "pseudo-labels.membrane.thickness": "0",
        "pseudo-labels.sources.sheets": "false", "pseudo-labels.sources.model": "false",
        "pseudo-labels.sources.blobs": "false", "pseudo-labels.ground": "probable", "pseudo-labels.trusted": "none",
        "train-membrane.patch.foreground": "0", "train-membrane.epoch.patience": "0",
        "train-membrane.optimizer.weight_decay": "0",
        "train-membrane.optimizer.schedule": "constant", "train-particles.epoch.patience": "0",
        "segment.smallest_volume": "0", "segment.membrane.smallest_volume": "0", "membrane.thickness": "0", "pick.score": "0",
        "measure-picks.score": "0",
        "train-membrane.network.context": "0", "train-membrane.patch.augmentation": "none",
        "train-membrane.optimizer.averaging": "0", "train-particles.patch.augmentation": "none",
        "train-particles.optimizer.averaging": "0", "train-membrane.start": "random", "train-particles.start": "random",
        "segment.network": "trained", "segment.averaging": "1",
        "mask.outside": "keep", "pseudo-labels.outside": "keep", "segment.outside": "keep", "pick.outside": "keep",
        "segment.scale_limit": "1", "segment.magnifications": "1", "pick.magnifications": "1", "pick.network": "trained",
        "pick.averaging": "1", "pick.scale_limit": "1",
        "train-particles.curation": "off", "train-particles.size.least": "0", "train-particles.size.largest": "0",
        "train-particles.target": "1", "train-particles.loss.foreground_weight": "1",
        "train-particles.loss.completeness": "1", "training.rounds": "1",
    ]

    /// For a first try: small networks that are trained in minutes.
    public static let quick = RecipePreset(
        name: "quick", summary: "default with small networks, trained in minutes, for trying out",
        values: standard.values.merging([
            "train-membrane.network.width": "12", "train-membrane.patch.size": "128", "train-membrane.batch": "4",
            "train-membrane.epoch.steps": "20", "train-membrane.epoch.count": "10", "train-membrane.epoch.patience": "0",
            "train-particles.network.width": "12", "train-particles.patch.size": "40", "train-particles.patch.jitter": "10",
            "train-particles.patch.foreground": "0.5", "train-particles.batch": "4", "train-particles.epoch.steps": "16",
            "train-particles.epoch.count": "8", "pick.margin": "8",
            // Minutes are too short for a network to learn from variety.
            "train-membrane.patch.augmentation": "none", "train-particles.patch.augmentation": "none",
        ]) { $1 })

    /// The keys of the parameters that this preset sets itself.
    var names: Set<String> { Set(values.keys) }

    public static let all = [standard, fast, quick, paper]

    /// Every parameter that any preset sets, with its value in this preset (else its default), in the order of a recipe.
    public func assignments(for recipe: Recipe) -> [(key: String, value: String)] {
        let named = Set(Self.all.flatMap(\.values.keys))
        return recipe.entries.filter { named.contains($0.key) }.map { entry in
            (entry.key, values[entry.key] ?? entry.parameter.defaultValue.text)
        }
    }
}
