/// Where a volume is: a file or folder, and what is meant inside it.
///
/// The text form is the path, followed by a colon and the part inside where there is one:
///
/// | text | meaning |
/// |---|---|
/// | `TS_0008.rec`, `map.mrc.gz` | an MRC file, plain or compressed by gzip |
/// | `stack.mrc:2` | the third volume of an MRC volume stack |
/// | `stack.tif` | a TIFF stack |
/// | `file.h5:/volumes/raw`, `file.h5` | a dataset of an HDF5 file, or the only one that it has |
/// | `tomo.zarr`, `tomo.zarr:/1` | the highest resolution of an OME-Zarr image, or a named array |
public struct VolumeLocation: Hashable, Sendable {
    /// The file or folder.
    public let path: String
    /// What is meant inside the file: a dataset, an array, or the number of a volume in a stack.
    public let member: String?

    public init(path: String, member: String? = nil) {
        self.path = path
        self.member = member
    }
}
