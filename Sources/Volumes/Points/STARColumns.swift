/// The names of the STAR columns that are read and written, by the program that defines them.
enum STARColumn {
    // RELION 5: Å from the middle of the tomogram.
    static let centred = ["_rlnCenteredCoordinateXAngst", "_rlnCenteredCoordinateYAngst", "_rlnCenteredCoordinateZAngst"]
    // RELION: pixels.
    static let coordinate = ["_rlnCoordinateX", "_rlnCoordinateY", "_rlnCoordinateZ"]
    // The origin is subtracted from the position. It is in Å since RELION 3.1, in pixels before.
    static let originInAngstroms = ["_rlnOriginXAngst", "_rlnOriginYAngst", "_rlnOriginZAngst"]
    static let originInPixels = ["_rlnOriginX", "_rlnOriginY", "_rlnOriginZ"]
    static let angles = ["_rlnAngleRot", "_rlnAngleTilt", "_rlnAnglePsi"]
    /// The orientation in which a subtomogram was extracted: angles and origins are relative to it.
    static let subtomogramAngles = ["_rlnTomoSubtomogramRot", "_rlnTomoSubtomogramTilt", "_rlnTomoSubtomogramPsi"]
    static let tomogramName = "_rlnTomoName"
    /// The size of the tomogram in pixels of the tilt series before binning (RELION 4 and 5). Centred coordinates count from its
    /// middle.
    static let tomogramSize = ["_rlnTomoSizeX", "_rlnTomoSizeY", "_rlnTomoSizeZ"]
    /// A size beyond these is none.
    static let plausibleSizes = 1.0...1e6
    static let micrographName = "_rlnMicrographName"
    static let opticsGroup = "_rlnOpticsGroup"
    static let opticsGroupName = "_rlnOpticsGroupName"
    static let tube = "_rlnHelicalTubeID"
    static let classNumber = "_rlnClassNumber"
    static let score = "_rlnAutopickFigureOfMerit"
    /// The columns with the pixel size of the coordinates in Å, the most reliable first. `_rlnImagePixelSize` is not among
    /// them: it is the pixel size of the boxes, which may be binned.
    static let pixelSizes = ["_rlnTomoTiltSeriesPixelSize", "_rlnMicrographPixelSize", "_rlnPixelSize"]
    /// Before RELION 3.1, and in Warp: pixel size in Å = 10⁴ · detector pixel size in µm / magnification.
    static let detectorPixelSize = "_rlnDetectorPixelSize"
    static let magnification = "_rlnMagnification"

    // STOPGAP's motive list: in voxels of the tomogram; the shift is added to the position.
    static let stopgapPosition = ["_orig_x", "_orig_y", "_orig_z"]
    static let stopgapShift = ["_x_shift", "_y_shift", "_z_shift"]
    /// Rotations in degrees about the fixed axes z (phi), then x (the), then z (psi); they map the particle's frame to the
    /// tomogram's.
    static let stopgapAngles = ["_phi", "_the", "_psi"]
    static let stopgapTomogram = "_tomo_num"
    static let stopgapObject = "_object"
    static let stopgapScore = "_score"
}
