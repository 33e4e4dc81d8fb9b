public import Engine

/// The steps of the method, in no particular order: the engine sorts them by what they read.
///
/// A new step is a file in `Steps/` and a line here.
public enum StandardSteps {
    public static let all: [any Step] = [
        DescribeStep(), CalibrateStep(), PrepareStep(), FeaturesStep(), EigenvectorsStep(), FeatureMapStep(),
        ConsistencyStep(), MaskStep(), SplitStep(), PseudoLabelsStep(), TrainMembraneStep(), TrainParticlesStep(), SegmentStep(),
        PickStep(), MeasureStep(), MeasurePicksStep(), EvaluateStep(), EvaluatePicksStep(), EvaluatePseudoLabelsStep(),
    ]
}
