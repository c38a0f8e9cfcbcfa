// Files with the right digest and the wrong inside: what an attacker, not an accident, would make.
#include "checkpoint/shard_file.h"

#include "checkpoint/digest.h"
#include "fixture.h"

namespace hone::checkpoint::testing {
namespace {

constexpr hsize_t kLength = 8;

// An HDF5 file whose dataset "master" `make` creates, and its true digest.
FileEntry forge(const std::string& folder, const std::function<void(hid_t file)>& make, bool latest = true) {
  FileEntry entry{"rank-00000-00000.h5", 0, "", {{"master", {{0, kLength}}}}};
  const std::string path = folder + "/" + entry.name;
  {
    const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "access");
    if (latest) H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    const Hdf5Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access), H5Fclose, "file");
    make(file);
  }
  const std::string bytes = read_bytes(path);
  entry.size = std::ssize(bytes);
  entry.digest = xxh3_hex(std::as_bytes(std::span(bytes)));
  return entry;
}

void make_dataset(hid_t file, const char* name, hid_t type, std::vector<hsize_t> dims,
                  hid_t creation = H5P_DEFAULT, const std::vector<hsize_t>& limits = {}) {
  const Hdf5Handle space(
      H5Screate_simple(static_cast<int>(dims.size()), dims.data(), limits.empty() ? nullptr : limits.data()),
      H5Sclose, "space");
  const Hdf5Handle data(H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT), H5Dclose,
                        "data");
  const std::vector<float> zeros(64);
  H5Dwrite(data, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, zeros.data());
}

std::string read_code(const std::string& folder, const FileEntry& entry) {
  return code_of([&] {
    check_shard_file(folder, entry);
    std::vector<float> out(kLength);
    ShardReader(folder, entry)
        .read(entry.parts[0], StateType::f32, 0, kLength, reinterpret_cast<std::byte*>(out.data()));
  });
}

void expect_refused(const std::function<void(hid_t file)>& make, bool latest = true) {
  const TemporaryFolder folder;
  EXPECT_EQ(read_code(folder.path(), forge(folder.path(), make, latest)), "CK008");
}

TEST(ShardFile, PlainContiguousFloatsAreRead) {
  const TemporaryFolder folder;
  const FileEntry entry =
      forge(folder.path(), [](hid_t file) { make_dataset(file, "master", H5T_IEEE_F32LE, {kLength}); });
  EXPECT_EQ(read_code(folder.path(), entry), "");
}

TEST(ShardFile, OldSuperblockIsRefused) {
  expect_refused([](hid_t file) { make_dataset(file, "master", H5T_IEEE_F32LE, {kLength}); }, false);
}

TEST(ShardFile, OtherTypesAreRefused) {
  for (const hid_t type : {H5T_IEEE_F64LE, H5T_IEEE_F32BE, H5T_STD_I32LE})
    expect_refused([&](hid_t file) { make_dataset(file, "master", type, {kLength}); });
}

TEST(ShardFile, OtherShapesAreRefused) {
  expect_refused([](hid_t file) { make_dataset(file, "master", H5T_IEEE_F32LE, {kLength - 1}); });
  expect_refused([](hid_t file) { make_dataset(file, "master", H5T_IEEE_F32LE, {kLength + 1}); });
  expect_refused([](hid_t file) { make_dataset(file, "master", H5T_IEEE_F32LE, {kLength, 1}); });
}

TEST(ShardFile, ChunkedCompactOrFilteredDataIsRefused) {
  const hsize_t chunk = 4;
  const Hdf5Handle chunked(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "list");
  H5Pset_chunk(chunked, 1, &chunk);
  expect_refused([&](hid_t file) { make_dataset(file, "master", H5T_IEEE_F32LE, {kLength}, chunked); });
  expect_refused(
      [&](hid_t file) { make_dataset(file, "master", H5T_IEEE_F32LE, {kLength}, chunked, {H5S_UNLIMITED}); });
  const Hdf5Handle deflated(H5Pcopy(chunked), H5Pclose, "list");
  H5Pset_deflate(deflated, 1);
  expect_refused([&](hid_t file) { make_dataset(file, "master", H5T_IEEE_F32LE, {kLength}, deflated); });
  const Hdf5Handle compact(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "list");
  H5Pset_layout(compact, H5D_COMPACT);
  expect_refused([&](hid_t file) { make_dataset(file, "master", H5T_IEEE_F32LE, {kLength}, compact); });
}

TEST(ShardFile, DataInAnotherFileIsRefused) {
  const TemporaryFolder elsewhere;
  const std::string secret = elsewhere / "secret";
  write_bytes(secret, std::string(64, 's'));
  const Hdf5Handle external(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "list");
  H5Pset_external(external, secret.c_str(), 0, kLength * sizeof(float));
  expect_refused([&](hid_t file) { make_dataset(file, "master", H5T_IEEE_F32LE, {kLength}, external); });
}

TEST(ShardFile, VirtualDatasetIsRefused) {
  const hsize_t length = kLength;
  const Hdf5Handle space(H5Screate_simple(1, &length, nullptr), H5Sclose, "space");
  const Hdf5Handle virtual_list(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "list");
  H5Pset_virtual(virtual_list, space, "/tmp/other.h5", "data", space);
  expect_refused([&](hid_t file) {
    const Hdf5Handle data(
        H5Dcreate2(file, "master", H5T_IEEE_F32LE, space, H5P_DEFAULT, virtual_list, H5P_DEFAULT), H5Dclose,
        "data");
  });
}

TEST(ShardFile, SoftAndExternalLinksAreRefused) {
  expect_refused([](hid_t file) {
    make_dataset(file, "other", H5T_IEEE_F32LE, {kLength});
    H5Lcreate_soft("/other", file, "master", H5P_DEFAULT, H5P_DEFAULT);
  });
  expect_refused([](hid_t file) {
    H5Lcreate_external("/tmp/other.h5", "/x", file, "master", H5P_DEFAULT, H5P_DEFAULT);
  });
}

TEST(ShardFile, GroupOrNothingInPlaceOfADatasetIsRefused) {
  expect_refused([](hid_t file) {
    const Hdf5Handle group(H5Gcreate2(file, "master", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose,
                           "group");
  });
  expect_refused([](hid_t) {});
}

TEST(ShardFile, BytesThatAreNoHdf5AreRefused) {
  const TemporaryFolder folder;
  for (const std::string bytes :
       {"", "x", "PK\x03\x04 a zip", "\x89HDF\r\n\x1a\n", "\x89HDF\r\n\x1a\n\x02 cut"}) {
    write_bytes(folder / "rank-00000-00000.h5", bytes);
    const FileEntry entry{"rank-00000-00000.h5",
                          std::ssize(bytes),
                          xxh3_hex(std::as_bytes(std::span(bytes))),
                          {{"master", {{0, 8}}}}};
    EXPECT_EQ(read_code(folder.path(), entry), "CK008") << bytes;
  }
}

}  // namespace
}  // namespace hone::checkpoint::testing
