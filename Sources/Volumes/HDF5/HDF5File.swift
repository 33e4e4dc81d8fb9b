internal import CHDF5
import Glibc
import Synchronization

/// An open HDF5 file.
///
/// Files are read without locks: artifacts never change, volumes are the user's to protect, and a lock fails on
/// read-only and on many network file systems.
package final class HDF5File: Sendable {
    package let path: String
    let handle: HDF5Handle
    // The driver's side of a file that is being written; it outlives the identifier.
    nonisolated(unsafe) private let output: UnsafeMutablePointer<chdf5_output>?
    private let isOpen = Atomic(true)

    private init(path: String, handle: HDF5Handle, output: UnsafeMutablePointer<chdf5_output>? = nil) {
        self.path = path
        self.handle = handle
        self.output = output
    }

    deinit {
        guard let output else { return }
        abandon()
        free(output)
    }

    /// Opens a file for reading, through a driver that tells HDF5 of no failure to close it, which HDF5 does not survive.
    package static func open(_ path: String) throws(HDF5Error) -> HDF5File {
        let handle = try HDF5Library.open("cannot open the file", path: path) {
            H5Fopen(path, chdf5_acc_read_only(), readAccess)
        }
        return HDF5File(path: path, handle: handle)
    }

    /// Creates a file, which must not exist yet, in the format of HDF5 1.10: its metadata carry checksums, and times
    /// are not recorded, so that equal content gives equal bytes.
    ///
    /// It is written through a driver that does not tell HDF5 of a full disk, which HDF5 does not survive: see
    /// ``checkOutput()``.
    package static func create(_ path: String) throws(HDF5Error) -> HDF5File {
        let handle = try HDF5Library.open("cannot create the file", path: path) {
            H5Fcreate(path, chdf5_acc_exclusive(), creation, writeAccess)
        }
        var output: UnsafeMutablePointer<chdf5_output>?
        HDF5Library.attempt { output = chdf5_take_output(handle.id) }
        return HDF5File(path: path, handle: handle, output: output)
    }

    /// Fails where a write to this file did, at whatever time.
    package func checkOutput() throws(HDF5Error) {
        guard let output else { return }
        var number: Int32 = 0
        HDF5Library.attempt { number = output.pointee.error }
        guard number == 0 else {
            throw HDF5Error("cannot write the file", reason: String(cString: strerror(number)), systemError: number, path: path)
        }
    }

    /// Writes what is buffered and closes the file and everything opened in it.
    package func close() throws(HDF5Error) {
        guard isOpen.exchange(false, ordering: .sequentiallyConsistent) else { return }
        try HDF5Library.call("cannot close the file", path: path) { H5Fclose(handle.id) }
        try checkOutput()
    }

    /// Closes a file that is worthless now, without writing to it any more.
    package func abandon() {
        guard isOpen.exchange(false, ordering: .sequentiallyConsistent) else { return }
        HDF5Library.attempt {
            if let output, output.pointee.error == 0 { output.pointee.error = ECANCELED }
            H5Fclose(handle.id)
        }
    }

    // Property lists that every file shares; they live as long as the process.

    private static let readAccess: hid_t = {
        let list = H5Pcreate(chdf5_plist_file_access())
        H5Pset_file_locking(list, false, true)
        H5Pset_driver(list, chdf5_register_input_driver(), nil)
        return list
    }()

    private static let writeAccess: hid_t = {
        let list = H5Pcreate(chdf5_plist_file_access())
        // Never "latest": a newer library would write what today's readers cannot read.
        H5Pset_libver_bounds(list, H5F_LIBVER_V110, H5F_LIBVER_V110)
        H5Pset_fclose_degree(list, H5F_CLOSE_STRONG)
        H5Pset_driver(list, chdf5_register_output_driver(), nil)
        return list
    }()

    private static let creation: hid_t = {
        let list = H5Pcreate(chdf5_plist_file_create())
        H5Pset_obj_track_times(list, false)
        return list
    }()
}
