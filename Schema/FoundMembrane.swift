extension FoundObject {
    /// A median over the places of a membrane, with the quartiles.
    public struct Spread: Sendable, Hashable, Codable {
        public var median: Double
        /// A quarter of the places have less.
        public var lower: Double
        /// A quarter of the places have more.
        public var upper: Double

        public init(median: Double, lower: Double, upper: Double) {
            (self.median, self.lower, self.upper) = (median, lower, upper)
        }

        fileprivate var isValid: Bool {
            [median, lower, upper].allSatisfy(\.isFinite) && lower <= median && median <= upper
        }
    }

    /// What a piece of membrane is more than other objects: a row of `object_membrane`. What cannot be said is nil.
    public struct Membrane: Sendable, Hashable, Codable {
        /// How a thickness was found in the density across.
        public enum ThicknessMethod: String, Sendable, Hashable, Codable, CaseIterable {
            /// As the distance of the leaflets.
            case leaflets
            /// As the width at half of the depth, where leaflets are not resolved.
            case halfDepth = "half depth"
        }

        /// The mean density across the membrane.
        public struct Profile: Sendable, Hashable, Codable {
            public var stepInAngstroms: Double
            /// The middle one is at the centre surface; nil where none is known.
            public var densities: [Double?]

            public init(stepInAngstroms: Double, densities: [Double?]) {
                (self.stepInAngstroms, self.densities) = (stepInAngstroms, densities)
            }

            fileprivate var isValid: Bool {
                stepInAngstroms > 0 && stepInAngstroms.isFinite && densities.allSatisfy { ($0 ?? 0).isFinite }
            }
        }

        /// How many places of the centre surface were measured.
        public var places: Int
        /// How many of them have a curvature: those near a rim have none.
        public var curvedPlaces: Int
        /// Of the centre surface: one side.
        public var areaInSquareNanometers: Double?
        /// (k₁ + k₂) / 2 in 1/nm, positive towards the side to which most of the piece bends.
        public var meanCurvature: Spread?
        /// k₁ k₂ in 1/nm².
        public var gaussianCurvature: Spread?
        /// The root mean square of how far places lie off the smooth surface through them.
        public var roughnessInAngstroms: Double?
        public var thicknessInAngstroms: Double?
        public var thicknessMethod: ThicknessMethod?
        public var profile: Profile?
        /// The distance to the next sheet in Å.
        public var spacing: Spread?
        /// The part of the places that have a next sheet, 0 to 1.
        public var neighbouredPart: Double?
        /// The part of those whose next sheet is another piece, 0 to 1.
        public var otherPart: Double?

        public init(
            places: Int, curvedPlaces: Int, areaInSquareNanometers: Double?, meanCurvature: Spread?, gaussianCurvature: Spread?,
            roughnessInAngstroms: Double?, thicknessInAngstroms: Double?, thicknessMethod: ThicknessMethod?, profile: Profile?,
            spacing: Spread?, neighbouredPart: Double?, otherPart: Double?
        ) {
            (self.places, self.curvedPlaces, self.areaInSquareNanometers) = (places, curvedPlaces, areaInSquareNanometers)
            (self.meanCurvature, self.gaussianCurvature) = (meanCurvature, gaussianCurvature)
            self.roughnessInAngstroms = roughnessInAngstroms
            (self.thicknessInAngstroms, self.thicknessMethod) = (thicknessInAngstroms, thicknessMethod)
            (self.profile, self.spacing) = (profile, spacing)
            (self.neighbouredPart, self.otherPart) = (neighbouredPart, otherPart)
        }

        var isValid: Bool {
            let lengths = [areaInSquareNanometers, thicknessInAngstroms, spacing?.lower].compactMap(\.self)
            return places >= 1 && (0...places).contains(curvedPlaces) && lengths.allSatisfy { $0 > 0 && $0.isFinite }
                && (0..<Double.infinity).contains(roughnessInAngstroms ?? 0) && meanCurvature?.isValid ?? true
                && gaussianCurvature?.isValid ?? true && spacing?.isValid ?? true && profile?.isValid ?? true
                && (0...1).contains(neighbouredPart ?? 0) && (0...1).contains(otherPart ?? 0)
        }
    }
}
