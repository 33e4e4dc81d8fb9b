import CHDF5
import Foundation
import TestSupport

/// Writes HDF5 files as other programs do: in the oldest format, with every kind of type, layout and link.
final class HDF5Fixture {
    let path: String
    private let file: hid_t

    init(_ path: String) {
        self.path = path
        file = H5Fcreate(path, chdf5_acc_exclusive(), chdf5_default(), chdf5_default())
    }

    func close() { H5Fclose(file) }

    /// Writes a dataset of `type` from `memoryType` values.
    func write<Value: BitwiseCopyable>(
        _ name: String, _ shape: [Int], _ values: [Value], memoryType: hid_t, type: hid_t? = nil,
        configure: (hid_t) -> Void = { _ in }
    ) {
        let creation = H5Pcreate(chdf5_plist_dataset_create())
        configure(creation)
        let space = H5Screate_simple(Int32(shape.count), shape.map { hsize_t($0) }, nil)
        let dataset = H5Dcreate2(file, name, type ?? memoryType, space, chdf5_default(), creation, chdf5_default())
        if !values.isEmpty {
            values.withUnsafeBytes {
                _ = H5Dwrite(dataset, memoryType, chdf5_all(), chdf5_all(), chdf5_default(), $0.baseAddress)
            }
        }
        H5Dclose(dataset)
        H5Sclose(space)
        H5Pclose(creation)
    }

    /// Writes one chunk as it is to be stored.
    func write(chunkOf name: String, at offset: [Int], _ bytes: [UInt8]) {
        let dataset = H5Dopen2(file, name, chdf5_default())
        bytes.withUnsafeBytes {
            _ = H5Dwrite_chunk(dataset, chdf5_default(), 0, offset.map { hsize_t($0) }, $0.count, $0.baseAddress)
        }
        H5Dclose(dataset)
    }

    func makeGroup(_ name: String) { H5Gclose(H5Gcreate2(file, name, chdf5_default(), chdf5_default(), chdf5_default())) }

    func link(_ name: String, toFile path: String, _ object: String) {
        H5Lcreate_external(path, object, file, name, chdf5_default(), chdf5_default())
    }

    func link(_ name: String, to object: String) { H5Lcreate_soft(object, file, name, chdf5_default(), chdf5_default()) }

    func hardLink(_ name: String, to object: String) {
        H5Lcreate_hard(file, object, file, name, chdf5_default(), chdf5_default())
    }

    /// Writes an attribute of float64, or of text where `text` is given.
    func setAttribute(_ name: String, on object: String, _ values: [Double], isScalar: Bool = false, text: String? = nil) {
        let target = H5Oopen(file, object, chdf5_default())
        var count = hsize_t(values.count)
        let space = isScalar || text != nil ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &count, nil)
        let type = H5Tcopy(text == nil ? chdf5_type_f64() : chdf5_type_c_string())
        if text != nil {
            H5Tset_size(type, chdf5_variable_length())
            H5Tset_cset(type, H5T_CSET_UTF8)
        }
        let attribute = H5Acreate2(target, name, type, space, chdf5_default(), chdf5_default())
        if let text {
            text.withCString { pointer in
                var pointer: UnsafePointer<CChar>? = pointer
                _ = H5Awrite(attribute, type, &pointer)
            }
        } else {
            H5Awrite(attribute, type, values)
        }
        H5Aclose(attribute)
        H5Tclose(type)
        H5Sclose(space)
        H5Oclose(target)
    }
}
