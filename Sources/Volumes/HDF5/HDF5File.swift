import Basics
internal import CHDF5
import Glibc
import Synchronization

/// An open HDF5 file.
///
/// Files are read without file locks: artifacts never change, users protect their volumes themselves, and a lock fails on
/// read-only and on many network file systems.
package final class HDF5File: Sendable {
    package let path: String
    let handle: HDF5Handle
    // The state of our output driver; nil for files that are read. It is needed longer than the HDF5 identifier, for errors.
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

    /// Opens a file for reading. Our driver hides a failure to close the file from HDF5, which would crash on it.
    ///
    /// - Throws: ``HDF5Error`` where the file cannot be opened or is not an HDF5 file.
    package static func open(_ path: String) throws(HDF5Error) -> HDF5File {
        let handle = try HDF5Library.open("cannot open the file", path: path) {
            H5Fopen(path, chdf5_acc_read_only(), readAccess)
        }
        return HDF5File(path: path, handle: handle)
    }

    /// Creates a file, which must not exist yet, in the format of HDF5 1.10: its metadata have checksums, and times
    /// are not recorded, so that equal content gives equal bytes.
    ///
    /// Our driver hides failed writes, such as those to a full disk, from HDF5, which would crash on them.
    /// ``checkOutput()`` reports them.
    ///
    /// - Throws: ``HDF5Error`` where the file exists or cannot be created.
    package static func create(_ path: String) throws(HDF5Error) -> HDF5File {
        let handle = try HDF5Library.open("cannot create the file", path: path) {
            H5Fcreate(path, chdf5_acc_exclusive(), creation, writeAccess)
        }
        var output: UnsafeMutablePointer<chdf5_output>?
        HDF5Library.ignoringFailure { output = chdf5_take_output(handle.id) }
        return HDF5File(path: path, handle: handle, output: output)
    }

    /// - Throws: ``HDF5Error`` with the system's reason, where any earlier write to this file failed.
    package func checkOutput() throws(HDF5Error) {
        guard let output else { return }
        var number: Int32 = 0
        HDF5Library.ignoringFailure { number = output.pointee.error }
        guard number == 0 else { throw HDF5Error("cannot write the file", SystemError(number), path: path) }
    }

    /// Writes what is buffered and closes the file and everything opened in it. Does nothing if it is closed already.
    ///
    /// - Throws: ``HDF5Error`` where closing or any earlier write failed.
    package func close() throws(HDF5Error) {
        guard isOpen.exchange(false, ordering: .sequentiallyConsistent) else { return }
        try HDF5Library.call("cannot close the file", path: path) { H5Fclose(handle.id) }
        try checkOutput()
    }

    /// Closes the file without writing what is buffered, for a file that is to be deleted.
    package func abandon() {
        guard isOpen.exchange(false, ordering: .sequentiallyConsistent) else { return }
        HDF5Library.ignoringFailure {
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
        // Never "latest": a newer library would then write a format that today's readers cannot read.
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

extension HDF5File: HDF5Object {
    package var name: String { "the file" }
    package var identifier: Int64 { handle.id }
}

extension HDF5File {
    /// The names of all links of the root group, in the order of the names.
    package func rootLinks() throws(HDF5Error) -> [String] {
        try HDF5Library.names("cannot list the file", path: path) { visitor, context in
            chdf5_each_link(handle.id, visitor, context)
        }
    }

    /// Whether a path inside the file is a hard link: an object of this file, not a soft link or a link into another file.
    package func isHardLink(_ name: String) -> Bool {
        var linkClass: Int32 = -1
        HDF5Library.ignoringFailure { linkClass = chdf5_link_class(handle.id, name) }
        return linkClass == 0
    }

    /// Whether a part of the path inside the file is a link into another file.
    func leadsElsewhere(_ member: String) -> Bool {
        var prefix = ""
        for part in member.split(separator: "/") {
            prefix += "/\(part)"
            var linkClass: Int32 = -1
            HDF5Library.ignoringFailure { linkClass = chdf5_link_class(handle.id, prefix) }
            if linkClass > 1 { return true }
        }
        return false
    }

    /// The paths of at most `limit` datasets with at least two axes, in the order of their names, depth first.
    ///
    /// Groups may contain themselves, so the walk is limited to nine levels of groups and 500 links. Objects that HDF5 cannot
    /// read are skipped.
    ///
    /// - Throws: ``HDF5Error`` where the system refused to read: the list could then lack the dataset that is meant.
    func volumePaths(limit: Int) throws(HDF5Error) -> [String] {
        var found: [String] = []
        var visitsLeft = 500
        func walk(_ group: String, depth: Int) throws(HDF5Error) {
            let handle = try understood { () throws(HDF5Error) in
                try HDF5Library.open("cannot open a group", path: path) { H5Gopen2(self.handle.id, group, chdf5_default()) }
            }
            guard let handle else { return }
            let names = try understood { () throws(HDF5Error) in
                try HDF5Library.names("cannot list a group", path: path) { visitor, context in
                    chdf5_each_link(handle.id, visitor, context)
                }
            }
            for name in names ?? [] where found.count < limit && visitsLeft > 0 {
                visitsLeft -= 1
                let member = group == "/" ? "/\(name)" : "\(group)/\(name)"
                guard isHardLink(member) else { continue }
                if let dataset = try understood({ () throws(HDF5Error) in try HDF5Dataset.open(member, in: self) }) {
                    if dataset.shape.count >= 2 { found.append(member) }
                } else if depth < 8 {
                    try walk(member, depth: depth + 1)
                }
            }
        }
        try walk("/", depth: 0)
        return found
    }

    /// The result of a call; nil where HDF5 cannot read that part of the file. System errors are thrown.
    private func understood<Result>(_ body: () throws(HDF5Error) -> Result) throws(HDF5Error) -> Result? {
        do throws(HDF5Error) {
            return try body()
        } catch {
            guard error.systemError == nil else { throw error }
            return nil
        }
    }
}
