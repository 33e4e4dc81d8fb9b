import TestSupport
import Testing
import Volumes

@Suite("Real TIFF files", .enabled(if: SharedData.isPresent, SharedData.absence))
struct TIFFRealDataTests {
    // Made by real_data_values.py, from what tifffile 2026.3.3, and of LZW OpenCV 4.12.0, decode.
    static let expectations = [
        SurveyExpectation(
            "SMLC-NYSBC+TARDIS/tests/test_data/data_loader/cnn/train/imgs/0_0_30_47_25.tif",
            z: 96, y: 96, x: 96, .uint8,
            digest: "01ec4bf13d2b99fdb6e98192a9c5bb3c51ce7d9829ae6a0c5c0048ecbf7a5b02",
            statistics: [0.0, 254.0, 106.31685045030382, 68.29819067958218],
            percentiles: [0.0, 135.0, 201.0]),
        SurveyExpectation(
            "SMLC-NYSBC+TARDIS/tests/test_data/data_loader/cnn/test/masks/4_0_55_98_25_mask.tif",
            z: 64, y: 64, x: 64, .uint8,
            digest: "7f73b24d39abad393a941035e8e577db1abec6b8caa47004fe25993cba23e2ab",
            statistics: [0.0, 1.0, 0.004299163818359375, 0.06542691348995675],
            percentiles: [0.0, 0.0, 0.0]),
        SurveyExpectation(
            "SMLC-NYSBC+TARDIS/tests/test_data/data_type/tif2D.tif",
            z: 1, y: 64, x: 32, .uint8,
            digest: "60768bf92f051748c87d7f687a1682b551eb25d097063638a190c579f79cf8c9",
            statistics: [144.0, 159.0, 153.1025390625, 1.550023121815162],
            percentiles: [149.0, 153.0, 157.0]),
        SurveyExpectation(
            "SMLC-NYSBC+TARDIS/tests/test_data/data_type/tif3D.tif",
            z: 78, y: 64, x: 32, .uint8,
            digest: "12af6eec5aee3421c14092ae86132fa16eccdbe46d283542dd3af0aae6e781ef",
            statistics: [141.0, 163.0, 153.03684645432693, 2.2410109145052686],
            percentiles: [147.0, 153.0, 159.0]),
        SurveyExpectation(
            "stardist+stardist/tests/data/img2d.tif",
            z: 1, y: 256, x: 256, .uint8,
            digest: "d8cad5a34f88f6f61e2934c1ee49a5ba181ab956bde9abc9bf5388ff26aee9f3",
            statistics: [10.0, 255.0, 21.119308471679688, 25.462543616596164],
            percentiles: [12.0, 14.0, 146.0]),
        SurveyExpectation(
            "stardist+stardist/tests/data/img3d.tif",
            z: 31, y: 61, x: 57, .uint16,
            digest: "02047c5cffaad9fb55709c097f2fc1622a72e2fa5f6f738d3edbdee393762aea",
            statistics: [104.0, 375.0, 198.00565003200757, 39.220516950510664],
            percentiles: [133.0, 191.0, 298.0]),
        SurveyExpectation(
            "stardist+stardist/tests/data/mask2d.tif",
            z: 1, y: 256, x: 256, .uint16,
            digest: "69e94c0e9dd58b95ade551abc88240bd55d08cf4f5f6edcb6cbbabc0e14bce77",
            statistics: [0.0, 65.0, 2.128936767578125, 9.392196536418757],
            percentiles: [0.0, 0.0, 55.0]),
        SurveyExpectation(
            "stardist+stardist/tests/data/mask3d.tif",
            z: 31, y: 61, x: 57, .uint16,
            digest: "b9f853a2d7d767ac13aacb482abf58fd7a55090529878d97bce712d0469db1a0",
            statistics: [0.0, 162.0, 29.66975609303534, 46.78273141570329],
            percentiles: [0.0, 0.0, 162.0]),
    ]

    @Test("decode to the voxels that tifffile decodes", arguments: expectations)
    func voxels(expected: SurveyExpectation) throws { try expected.check() }
}
