import TestSupport
import Testing
import Volumes

@Suite("Real MRC files", .enabled(if: SharedData.isPresent, SharedData.absence))
struct MRCRealDataTests {
    // Made by real_data_values.py, from what mrcfile 1.5.4 decodes.
    static let expectations = [
        SurveyExpectation(
            "SMLC-NYSBC+TARDIS/tests/test_data/data_type/mrc2D.mrc",
            z: 1, y: 64, x: 32, .uint8,
            digest: "60768bf92f051748c87d7f687a1682b551eb25d097063638a190c579f79cf8c9",
            statistics: [144.0, 159.0, 153.1025390625, 1.550023121815162],
            percentiles: [149.0, 153.0, 157.0]),
        SurveyExpectation(
            "SMLC-NYSBC+TARDIS/tests/test_data/data_type/rec3D.rec",
            z: 78, y: 64, x: 32, .uint8,
            digest: "12af6eec5aee3421c14092ae86132fa16eccdbe46d283542dd3af0aae6e781ef",
            statistics: [141.0, 163.0, 153.03684645432693, 2.2410109145052686],
            percentiles: [147.0, 153.0, 159.0]),
        SurveyExpectation(
            "anmartinezs+pyseg_system/data/tutorials/exp_ssmb/tracing/mb_single/in/tomo22_z50_ves_4_seg.mrc",
            z: 50, y: 166, x: 166, .int8,
            digest: "4e0ad14806ff64338cf1e6e10f37706e30fc49763690dfb5667b37ff389cea18",
            statistics: [0.0, 3.0, 2.7309275656844245, 0.5530207854069057],
            percentiles: [1.0, 3.0, 3.0]),
        SurveyExpectation(
            "ccpem+mrcfile/tests/test_data/EMD-3001.map",
            z: 73, y: 25, x: 43, .float32,
            digest: "0d2dab1006589580df74b46a55dd0eaca838ded5f7574f96217aaa84532d6ad0",
            statistics: [-0.3681429624557495, 0.7216102480888367, 0.0005329666822949868, 0.15705722114575824],
            percentiles: [-0.27927619218826294, -0.021223654970526695, 0.47537834644317306]),
        SurveyExpectation(
            "ccpem+mrcfile/tests/test_data/emd_3001.map.gz",
            z: 73, y: 25, x: 43, .float32,
            digest: "0d2dab1006589580df74b46a55dd0eaca838ded5f7574f96217aaa84532d6ad0",
            statistics: [-0.3681429624557495, 0.7216102480888367, 0.0005329666822949868, 0.15705722114575824],
            percentiles: [-0.27927619218826294, -0.021223654970526695, 0.47537834644317306]),
        SurveyExpectation(
            "ccpem+mrcfile/tests/test_data/EMD-3197.map",
            z: 20, y: 20, x: 20, .float32,
            digest: "c690fe66717a9943f89d225579e8635b53b0fc0345faf29f44beac0af19a62a5",
            statistics: [-4.1337456703186035, 5.576736927032471, 0.7836120336436434, 2.39995290849429],
            percentiles: [-3.319893138408661, 0.9346814155578613, 4.969380865097046]),
        SurveyExpectation(
            "ccpem+mrcfile/tests/test_data/emd_3197.map.gz",
            z: 20, y: 20, x: 20, .float32,
            digest: "c690fe66717a9943f89d225579e8635b53b0fc0345faf29f44beac0af19a62a5",
            statistics: [-4.1337456703186035, 5.576736927032471, 0.7836120336436434, 2.39995290849429],
            percentiles: [-3.319893138408661, 0.9346814155578613, 4.969380865097046]),
        SurveyExpectation(
            "ccpem+mrcfile/tests/test_data/float16.mrc",
            z: 1, y: 64, x: 64, .float16,
            digest: "990777460fb0355495d78e9eff948a1d274aa6284e357caaae590f54f382741d",
            statistics: [-4.33984375, 3.8203125, 0.041134231723845005, 1.060797922647526],
            percentiles: [-2.51015625, 0.0216217041015625, 2.603808593750001]),
        SurveyExpectation(
            "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/10001_input/tomograms/TS_run1.rec",
            z: 10, y: 8, x: 6, .int8,
            digest: "e4ec5af2865b11f12e3a8c014ba85aef2e22e539075b0a7bb7005b0240936ed6",
            statistics: [0.0, 19.0, 9.477083333333333, 5.794348524760043],
            percentiles: [0.0, 10.0, 19.0]),
        SurveyExpectation(
            "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/20002/annotations/small_probability_map.mrc",
            z: 2, y: 2, x: 2, .float32,
            digest: "3cc56631f5057432c011de52d7e32e6d139e9843810868a5d4c31eb7799f9178",
            statistics: [0.10000000149011612, 0.800000011920929, 0.27500000409781933, 0.30310889584122797],
            percentiles: [0.10000000149011612, 0.10000000149011612, 0.800000011920929]),
        SurveyExpectation(
            "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/sample_tomos/signed_ints.mrc",
            z: 4, y: 4, x: 4, .int8,
            digest: "6c88b9807e3d85c4f1b235786570d4fc7422b25a7a86cd5c3c01704fd7e1fa47",
            statistics: [-128.0, 127.0, -0.5, 90.15680784056188],
            percentiles: [-128.0, -0.5, 127.0]),
        SurveyExpectation(
            "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/sample_tomos/unsigned_ints.mrc",
            z: 4, y: 4, x: 4, .int8,
            digest: "6c88b9807e3d85c4f1b235786570d4fc7422b25a7a86cd5c3c01704fd7e1fa47",
            statistics: [-128.0, 127.0, -0.5, 90.15680784056188],
            percentiles: [-128.0, -0.5, 127.0]),
        SurveyExpectation(
            "nglviewer+ngl/data/3nzd.ccp4.gz",
            z: 103, y: 100, x: 105, .float32,
            digest: "9912144faa2b88e2ae06eafc281b92e2f4a186c8d33f420f0de218497b37c6a0",
            statistics: [-1.0586318969726562, 4.1327362060546875, -0.007966638980151753, 0.40499368993730817],
            percentiles: [-0.6514658331871033, -0.06107491999864578, 1.4454398155212402]),
        SurveyExpectation(
            "nglviewer+ngl/data/3pqr.ccp4.gz",
            z: 59, y: 69, x: 100, .float32,
            digest: "1ab5f7711b5c295f207a60a421d42b08681e1da28ce8153286579e57e23b6744",
            statistics: [-0.5163028240203857, 0.9091418981552124, -0.002583154533393553, 0.1421873882248376],
            percentiles: [-0.3142712712287903, -0.011223974637687206, 0.5387507677078247]),
        SurveyExpectation(
            "nglviewer+ngl/data/3pqr-mode0.ccp4",
            z: 59, y: 69, x: 100, .int8,
            digest: "25181e8d0c5f045c89accf3994411330b0e5b25c7694409b3ba6d7e28f2be2b7",
            statistics: [-128.0, 127.0, -36.39135593220339, 25.520138217377646],
            percentiles: [-92.0, -38.0, 61.0]),
        SurveyExpectation(
            "nglviewer+ngl/data/betaGal.mrc",
            z: 100, y: 100, x: 100, .float32,
            digest: "1bc80f93cb524d402f533c59c6f4946606544d8ac684dbb3bc578170f2ab5045",
            statistics: [-0.05296945199370384, 0.19695799052715302, -6.782992400585911e-05, 0.016505974649086305],
            percentiles: [-0.021716156974434853, 3.63462750101462e-05, 0.10857520252466202]),
        SurveyExpectation(
            "teamtomo+libtilt/examples/ribo-16Apx.mrc",
            z: 48, y: 48, x: 48, .float32,
            digest: "821dc55769d13348112955afe59e4a54d68dd3d4ce8178444b784f5475515d09",
            statistics: [0.0, 3.875, 0.03358134516963252, 0.27534596707717457],
            percentiles: [0.0, 0.0, 1.71875]),
    ]

    @Test("decode to the voxels that mrcfile decodes", arguments: expectations)
    func voxels(expected: SurveyExpectation) throws { try expected.check() }

    @Test("give the voxel sizes that their headers mean")
    func voxelSizes() throws {
        func voxelSize(_ path: String) throws -> VoxelSize? {
            try VolumeLocation(path: SharedData.file(path)).open().header.voxelSize
        }
        let portal = "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket"
        #expect(
            try voxelSize("SMLC-NYSBC+TARDIS/tests/test_data/data_type/mrc3D.mrc")
                == VoxelSize(xInAngstroms: 23.19995, yInAngstroms: 23.19995, zInAngstroms: 23.2))
        // One slice of an infinite distance to the next.
        #expect(try voxelSize("SMLC-NYSBC+TARDIS/tests/test_data/data_type/mrc2D.mrc") == VoxelSize(cubicInAngstroms: 23.19995))
        #expect(try voxelSize("teamtomo+libtilt/examples/ribo-16Apx.mrc") == VoxelSize(cubicInAngstroms: 16))
        #expect(try voxelSize("\(portal)/10001_input/tomograms/TS_run1.rec") == VoxelSize(cubicInAngstroms: 13.48))
        #expect(try voxelSize("\(portal)/20002/annotations/semantic_mask.mrc") == nil)
        #expect(try voxelSize("nglviewer+ngl/data/betaGal.mrc") == VoxelSize(cubicInAngstroms: 3.54))
    }
}
