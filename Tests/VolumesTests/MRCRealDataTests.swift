import Basics
import Foundation
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
        SurveyExpectation(
            "SMLC-NYSBC+TARDIS/tests/test_data/data_type/mrc3D.mrc",
            z: 78, y: 64, x: 32, .uint8,
            digest: "12af6eec5aee3421c14092ae86132fa16eccdbe46d283542dd3af0aae6e781ef",
            statistics: [141.0, 163.0, 153.03684645432693, 2.2410109145052686],
            percentiles: [147.0, 153.0, 159.0]),
        SurveyExpectation(
            "SMLC-NYSBC+TARDIS/tests/test_data/data_type/rec2D.rec",
            z: 1, y: 64, x: 32, .uint8,
            digest: "60768bf92f051748c87d7f687a1682b551eb25d097063638a190c579f79cf8c9",
            statistics: [144.0, 159.0, 153.1025390625, 1.550023121815162],
            percentiles: [149.0, 153.0, 157.0]),
        SurveyExpectation(
            "anmartinezs+pyseg_system/data/tutorials/synth_sumb/models/5vai_r2.62_90_nostd.mrc",
            z: 90, y: 90, x: 90, .float32,
            digest: "9bf8217530e282206802a9f4470c2641c5dede62476cd58dba2e3a299dd60db1",
            statistics: [0.0, 0.7683650851249695, 0.004552710697040728, 0.04117248039067394],
            percentiles: [0.0, 0.0, 0.19209958195686366]),
        SurveyExpectation(
            "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/10001_input/tomograms/TS_run2.rec",
            z: 4, y: 4, x: 4, .int8,
            digest: "004dc604e225c0b070a3e568d8d3528bc96e42f0e232f8b7449e67f5852bf2cd",
            statistics: [0.0, 19.0, 9.421875, 5.63971599323716],
            percentiles: [0.63, 9.0, 19.0]),
        SurveyExpectation(
            "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/20002/annotations/large_probability_map.mrc",
            z: 4, y: 4, x: 4, .float32,
            digest: "6952c16fe61ddc79a4299ed58c8baf0a0f092320ad2a7cd5d1e089b00b9ee36c",
            statistics: [0.0007298303535208106, 0.800000011920929, 0.3848339274754835, 0.270787014368049],
            percentiles: [0.007615332835121081, 0.3369825631380081, 0.800000011920929]),
        SurveyExpectation(
            "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/20002/annotations/segmask.mrc",
            z: 4, y: 4, x: 4, .float32,
            digest: "238353c3672abcb4e55f20c314e5a5fbc96d2598e746c239afd95a7ce95f5ef1",
            statistics: [1.0, 4.0, 2.5, 1.118033988749895],
            percentiles: [1.0, 2.5, 4.0]),
        SurveyExpectation(
            "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/20002/annotations/semantic_mask.mrc",
            z: 4, y: 4, x: 4, .int8,
            digest: "61c596ac1a3896811c5f2379e074915863850d3da312db81f479bef92df79782",
            statistics: [0.0, 3.0, 0.4375, 0.8637671850678283],
            percentiles: [0.0, 0.0, 3.0]),
        SurveyExpectation(
            "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/20002/annotations/small_semantic_mask.mrc",
            z: 2, y: 2, x: 2, .int8,
            digest: "49b6645ca4db1fb205c313dd7c1b69dff8af7b9144dee718e2d6b96b0fe30e89",
            statistics: [0.0, 2.0, 0.5, 0.8660254037844386],
            percentiles: [0.0, 0.0, 2.0]),
        SurveyExpectation(
            "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/sample_tomos/input_mrc.mrc",
            z: 4, y: 4, x: 4, .float32,
            digest: "238353c3672abcb4e55f20c314e5a5fbc96d2598e746c239afd95a7ce95f5ef1",
            statistics: [1.0, 4.0, 2.5, 1.118033988749895],
            percentiles: [1.0, 2.5, 4.0]),
        SurveyExpectation(
            "polnet-1.1.2/snr0.5/t00.mrc",
            z: 100, y: 300, x: 300, .int8,
            digest: "7ecd1b9f12ae96f3c43fb7b0fbf8ee841b01da593bb1589191c32f9be718f3b3",
            statistics: [-125.0, 127.0, -6.988888888888889e-05, 24.001644830108436],
            percentiles: [-56.0, 0.0, 56.0]),
        SurveyExpectation(
            "polnet-1.1.2/snr0.5/t00_labels.mrc.gz",
            z: 100, y: 300, x: 300, .int8,
            digest: "a343fa8219ee57dff2d6d1ccd6dbb5552cea13f6eaca3ba6c7ff5275b8d34d5c",
            statistics: [0.0, 4.0, 0.354419, 0.9585480659107409],
            percentiles: [0.0, 0.0, 4.0]),
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
        #expect(try voxelSize("\(portal)/sample_tomos/input_mrc.mrc") == VoxelSize(cubicInAngstroms: 14.08))
        let pyseg = "anmartinezs+pyseg_system/data/tutorials"
        #expect(try voxelSize("\(pyseg)/synth_sumb/models/5vai_r2.62_90_nostd.mrc") == VoxelSize(cubicInAngstroms: 2.62))
        // Its header says 1 Å, which is not believed.
        #expect(try voxelSize("\(pyseg)/exp_ssmb/tracing/mb_single/in/tomo22_z50_ves_4_seg.mrc") == nil)
    }

    @Test("of templates decode to the voxels that mrcfile decodes")
    func templates() throws {
        // Recorded by real_data_values.py.
        let rows = try GoldenFile(repository: "Tests/VolumesTests/polnet_templates.csv").rows()
        #expect(rows.count == 45)
        for row in rows {
            let name = try row.text("name")
            let volume = try VolumeLocation(
                path: SharedData.file("anmartinezs+polnet/data/templates/mrcs_10A/\(name)")
            ).open()
            #expect(try volume.shape == VolumeShape(z: row.int("z"), y: row.int("y"), x: row.int("x")), "\(name)")
            #expect(volume.header.voxelSize == VoxelSize(cubicInAngstroms: 10), "\(name)")
            #expect(try VolumeSurvey.run(volume).digest.hexadecimal == row.text("digest"), "\(name)")
        }
    }

    @Test("are all opened and read, but for those that bzip2 compressed")
    func all() throws {
        let extensions: Set = ["mrc", "rec", "map", "ccp4"]
        var count = 0
        for case let name as String in FileManager.default.enumerator(atPath: SharedData.file("")) ?? .init() {
            let parts = name.split(separator: ".").map(String.init)
            guard let last = parts.last, extensions.contains(last == "gz" ? parts.dropLast().last ?? "" : last) else { continue }
            let volume = try VolumeLocation(path: SharedData.file(name)).open()
            _ = try volume.readSlice(z: volume.shape.z - 1)
            count += 1
        }
        #expect(count >= 80)
    }
}
