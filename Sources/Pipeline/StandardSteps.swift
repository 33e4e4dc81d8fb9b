public import Engine

/// The steps of the method, in any order: the engine sorts them by their inputs.
///
/// A new step is a file in `Steps/` and a line here.
public enum StandardSteps {
    public static let all: [any Step] = [
        DescribeStep(), CalibrateStep(), PrepareStep(), FeaturesStep(), EigenvectorsStep(), FeatureMapStep(),
        ConsistencyStep(), MaskStep(), SplitStep(), PseudoLabelsStep(), TrainMembraneStep(), TrainParticlesStep(), SegmentStep(),
        PickStep(), MeasureStep(), MeasurePicksStep(), EvaluateStep(), EvaluatePicksStep(), EvaluatePseudoLabelsStep(),
    ]
}
