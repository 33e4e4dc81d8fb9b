import Basics

extension MiningError {
    static func box(_ count: Int, side: Int) -> MiningError {
        MiningError(
            .invalidSize,
            "a box of \(count) voxels was given for a descriptor of \(side) × \(side) × \(side) voxels; cut it with this side")
    }

    static func density(at index: Int, side: Int) -> MiningError {
        let (z, y, x) = (index / (side * side), index / side % side, index % side)
        return MiningError(
            .invalidInput,
            "the density at voxel (\(x), \(y), \(z)) of the box is NaN or infinite; replace it by the mean of the tomogram")
    }

    static var tooLarge: MiningError {
        MiningError(
            .invalidInput,
            "the densities of the box are too large for numbers of 32 bits; divide them by their standard deviation")
    }

    static func row(_ count: Int, of dimension: Int) -> MiningError {
        MiningError(
            .invalidSize,
            "a descriptor of \(count) numbers was given where they have \(dimension); describe all particles with the same parts")
    }

    static var notFinite: MiningError {
        MiningError(
            .invalidInput, "a component of a descriptor is NaN or infinite; describe its particle again")
    }

    static func notFinite(row: Int) -> MiningError {
        MiningError(
            .invalidInput, "row \(row) of the descriptors has a number that is NaN or infinite; describe its tomogram again")
    }
}
