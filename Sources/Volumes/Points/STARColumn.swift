/// The names of STAR columns that are read and written, by the program that made them up.
enum STARColumn {
    // RELION 5: Å from the middle of the tomogram.
    static let centred = ["_rlnCenteredCoordinateXAngst", "_rlnCenteredCoordinateYAngst", "_rlnCenteredCoordinateZAngst"]
    // RELION: pixels.
    static let coordinate = ["_rlnCoordinateX", "_rlnCoordinateY", "_rlnCoordinateZ"]
    // To be subtracted from the position: in Å since RELION 3.1, in pixels before.
    static let originInAngstroms = ["_rlnOriginXAngst", "_rlnOriginYAngst", "_rlnOriginZAngst"]
    static let originInPixels = ["_rlnOriginX", "_rlnOriginY", "_rlnOriginZ"]
    static let angles = ["_rlnAngleRot", "_rlnAngleTilt", "_rlnAnglePsi"]
    /// The orientation in which a subtomogram was cut out: angles and origins are relative to it.
    static let subtomogramAngles = ["_rlnTomoSubtomogramRot", "_rlnTomoSubtomogramTilt", "_rlnTomoSubtomogramPsi"]
    static let tomogramName = "_rlnTomoName"
    static let micrographName = "_rlnMicrographName"
    static let opticsGroup = "_rlnOpticsGroup"
    static let opticsGroupName = "_rlnOpticsGroupName"
    static let tube = "_rlnHelicalTubeID"
    static let classNumber = "_rlnClassNumber"
    static let score = "_rlnAutopickFigureOfMerit"
    /// The size in Å of the pixels that coordinates count, the most certain first. `_rlnImagePixelSize` is none of
    /// them: it is that of the boxes, which may be binned.
    static let pixelSizes = ["_rlnTomoTiltSeriesPixelSize", "_rlnMicrographPixelSize", "_rlnPixelSize"]
    /// Before RELION 3.1, and in Warp: pixel size in Å = 10⁴ · detector pixel size in µm / magnification.
    static let detectorPixelSize = "_rlnDetectorPixelSize"
    static let magnification = "_rlnMagnification"

    // STOPGAP's motive list: voxels of the tomogram; the shift is to be added.
    static let stopgapPosition = ["_orig_x", "_orig_y", "_orig_z"]
    static let stopgapShift = ["_x_shift", "_y_shift", "_z_shift"]
    /// About z, then x, then z, in degrees, fixed axes: takes the particle's frame into the tomogram's.
    static let stopgapAngles = ["_phi", "_the", "_psi"]
    static let stopgapTomogram = "_tomo_num"
    static let stopgapObject = "_object"
    static let stopgapScore = "_score"
}
