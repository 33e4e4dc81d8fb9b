internal import Basics
internal import Catalog
public import CatalogSchema
public import Volumes

extension StepItem {
    /// An annotation as a step reads it: the file of its labels, or its points in Å.
    public struct Annotation: Sendable, Hashable {
        /// A class by name, with its value in the label volume, or the radius of its particles.
        public struct Class: Sendable, Hashable, Codable {
            public let name: String
            /// nil for points.
            public let value: Int64?
            /// nil for labels, and where it is not known.
            public let radiusInAngstroms: Double?
        }

        /// A point, with its position x, y, z in Å from the centre of the tomogram's first voxel.
        public struct Point: Sendable, Hashable, Codable {
            public let positionInAngstroms: SIMD3<Double>
            public let className: String
            public let score: Double?
        }

        public let kind: AnnotationRecord.Kind
        /// The file of the labels, or of the points.
        public let location: VolumeLocation
        /// By name.
        public let classes: [Class]
        /// The points, in the order of the file; empty for labels.
        public let points: [Point]
        /// Of a score map: the least value that is in the mask, whose voxels have the label 1. nil where each value is a label.
        public let threshold: Double?

        init(kind: AnnotationRecord.Kind, location: VolumeLocation, classes: [Class], points: [Point], threshold: Double?) {
            (self.kind, self.location, self.classes, self.points) = (kind, location, classes, points)
            self.threshold = threshold
        }

        /// - Parameter grid: shape and voxel size of the tomogram at the time of the plan.
        /// - Throws: ``EngineError`` where points are in voxels, and the voxel size is not known.
        init(_ content: Catalog.AnnotationContent, grid: PlanningSnapshot.Grid?, of scope: Scope) throws {
            kind = content.record.kind
            threshold = content.record.threshold
            location = VolumeLocation(path: content.record.path, member: content.record.member)
            classes = content.classes.map { Class(name: $0.name, value: $0.value, radiusInAngstroms: $0.radiusAngstrom) }
            guard let convention = content.record.convention, convention != CoordinateConvention.angstrom.rawValue else {
                points = content.points.map {
                    Point(positionInAngstroms: SIMD3($0.x, $0.y, $0.z), className: $0.class, score: $0.score)
                }
                return
            }
            guard let convention = CoordinateConvention(rawValue: convention) else {
                throw EngineError(
                    .annotation,
                    "\(scope.label) of \(scope.tomogram) is written in the convention \(convention), which is not known here; "
                        + "annotate it again")
            }
            guard let grid, let voxelSize = grid.voxelSize else {
                throw EngineError(
                    .annotation,
                    "\(scope.tomogram) has no voxel size, without which the points of its \(scope.label) are nowhere; add it again "
                        + "with --voxel-size")
            }
            let set = PointSet(
                points: content.points.map { PickedPoint(x: $0.x, y: $0.y, z: $0.z) }, convention: convention
            ).inAngstroms(voxelSize: voxelSize, shape: grid.shape)
            points = zip(content.points, set.points).map {
                Point(positionInAngstroms: SIMD3($1.x, $1.y, $1.z), className: $0.class, score: $0.score)
            }
        }
    }

    /// The annotation of the item, or all annotations of its training set, by tomogram and then in the order in which they were added. Needs the
    /// input ``StepInput/Fact/annotation``.
    ///
    /// - Throws: ``EngineError`` where that input is not declared, an annotation was replaced since the run began, or has points in voxels of a
    ///   tomogram without a voxel size.
    public func annotations() throws -> [(scope: Scope, annotation: Annotation)] {
        guard setup.step.inputs.contains(.fact(.annotation)) else { throw undeclared("input", "annotation") }
        return try reader.members(.annotation, of: scope).map { ($0, try reader.annotation(of: $0)) }
    }

    /// What people said of single particles of the tomograms of the training set when the run began; tomograms without a verdict
    /// are left out. Needs the input ``StepInput/Fact/curation``.
    ///
    /// - Throws: ``EngineError`` where that input is not declared.
    func curation() throws -> [CurationMember] {
        let input = StepInput.fact(.curation)
        guard setup.step.inputs.contains(input) else { throw undeclared("input", input.name) }
        return reader.members(.tomogram, of: scope).compactMap { scope in
            let verdicts = reader.curation(of: scope)
            return verdicts.isEmpty ? nil : CurationMember(scope: scope, verdicts: verdicts)
        }
    }
}
