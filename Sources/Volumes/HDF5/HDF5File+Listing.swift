internal import CHDF5

extension HDF5File {
    /// The names of all links of the root group, sorted.
    package func rootLinks() throws(HDF5Error) -> [String] {
        try HDF5Library.names("cannot list the file", path: path) { visitor, context in
            chdf5_each_link(handle.id, visitor, context)
        }
    }

    /// Whether a name of the root group stands for an object of this file, and not for a way to another one.
    package func isHardLink(_ name: String) -> Bool {
        var linkClass: Int32 = -1
        HDF5Library.attempt { linkClass = chdf5_link_class(handle.id, name) }
        return linkClass == 0
    }

    /// Whether a part of the path is a link into another file.
    func leadsElsewhere(_ member: String) -> Bool {
        var prefix = ""
        for part in member.split(separator: "/") {
            prefix += "/\(part)"
            var linkClass: Int32 = -1
            HDF5Library.attempt { linkClass = chdf5_link_class(handle.id, prefix) }
            if linkClass > 1 { return true }
        }
        return false
    }

    /// The paths of datasets with at least two axes, for messages: the first ones found, in the order of their names.
    ///
    /// The walk is bounded in depth and breadth, as groups may contain themselves. What HDF5 does not understand is passed over.
    ///
    /// - Throws: ``HDF5Error`` where the system refused to read: a dataset that is not seen then may be the one that is meant.
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

    /// The result of a call, or nil where HDF5 does not understand the file.
    private func understood<Result>(_ body: () throws(HDF5Error) -> Result) throws(HDF5Error) -> Result? {
        do throws(HDF5Error) {
            return try body()
        } catch {
            guard error.systemError == nil else { throw error }
            return nil
        }
    }
}
