#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "checkpoint/digest.h"
#include "checkpoint/shard_file.h"
#include "core/base/error.h"
#include "core/base/file_system.h"

namespace hone::checkpoint {
namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw Error(Exit::checkpoint, "CK008", "shard not as hone writes it", path, why);
}

void require(bool held, const std::string& path, const std::string& why) {
  if (!held) refuse(path, why);
}

[[noreturn]] void damaged(const std::string& path, const std::string& why) {
  throw Error(Exit::checkpoint, "CK005", "shard damaged", path, why);
}

// Superblocks before version 2 have no checksum and lead into formats that hone never writes.
void check_superblock(std::span<const std::byte> bytes, const std::string& path) {
  constexpr std::array<unsigned char, 8> kSignature = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  const bool hdf5 =
      bytes.size() > 8 && std::equal(kSignature.begin(), kSignature.end(), bytes.begin(),
                                     [](unsigned char a, std::byte b) { return std::byte{a} == b; });
  require(hdf5, path, "no HDF5 signature");
  const int version = std::to_integer<int>(bytes[8]);
  require(version == 2 || version == 3, path, fmt::format("HDF5 superblock version {}", version));
}

Hdf5Handle open_file(const std::string& path) {
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "file access list");
  require_hdf5(H5Pset_fapl_sec2(access) >= 0, "driver");
  return {H5Fopen(path.c_str(), H5F_ACC_RDONLY, access), H5Fclose, "HDF5 cannot open it"};
}

void check_storage(hid_t data, const std::string& path, const std::string& name, hsize_t bytes) {
  const Hdf5Handle creation(H5Dget_create_plist(data), H5Pclose, "creation list");
  require(H5Pget_layout(creation) == H5D_CONTIGUOUS, path, name + " is not contiguous");
  require(H5Pget_external_count(creation) == 0, path, name + " is stored in another file");
  require(H5Pget_nfilters(creation) == 0, path, name + " has filters");
  require(H5Dget_storage_size(data) == bytes, path, name + " has another storage size");
}

void check_type(hid_t data, const std::string& path, const std::string& name, StateType wanted,
                hsize_t length) {
  const Hdf5Handle type(H5Dget_type(data), H5Tclose, "type");
  require(H5Tcommitted(type) == 0 && H5Tequal(type, hdf5_type(wanted)) > 0, path,
          fmt::format("{} is not {}", name, name_of(wanted)));
  const Hdf5Handle space(H5Dget_space(data), H5Sclose, "space");
  hsize_t size = 0, limit = 0;
  const bool flat = H5Sget_simple_extent_type(space) == H5S_SIMPLE &&
                    H5Sget_simple_extent_ndims(space) == 1 &&
                    H5Sget_simple_extent_dims(space, &size, &limit) == 1;
  require(flat && size == length && limit == length, path, fmt::format("{} has not {} values", name, length));
}

Hdf5Handle open_dataset(hid_t file, const std::string& path, const FilePart& part, StateType type) {
  const char* name = part.tensor.c_str();
  H5L_info_t link{};
  require(H5Lget_info(file, name, &link, H5P_DEFAULT) >= 0, path, "no dataset " + part.tensor);
  require(link.type == H5L_TYPE_HARD, path, part.tensor + " is not a hard link");
  Hdf5Handle data(H5Dopen2(file, name, H5P_DEFAULT), H5Dclose, "a dataset cannot be opened");
  const hsize_t length = static_cast<hsize_t>(part.values());
  check_type(data, path, part.tensor, type, length);
  check_storage(data, path, part.tensor, length * static_cast<hsize_t>(size_of(type)));
  return data;
}

}  // namespace

void check_shard_file(const std::string& folder, const FileEntry& entry) {
  const std::string path = folder + "/" + entry.name;
  if (!path_exists(path))
    throw Error(Exit::checkpoint, "CK006", "shard missing", path, "the manifest names it");
  std::unique_ptr<MappedFile> file;
  try {
    file = std::make_unique<MappedFile>(path);
  } catch (const Error&) {
    damaged(path, "not a readable regular file");
  }
  const std::span<const std::byte> bytes = file->bytes();
  if (static_cast<std::int64_t>(bytes.size()) != entry.size)
    damaged(path, fmt::format("{} bytes, the manifest says {}", bytes.size(), entry.size));
  if (const std::string digest = xxh3_hex(bytes); digest != entry.digest)
    damaged(path, "xxh3 is " + digest + ", the manifest says " + entry.digest);
  check_superblock(bytes, path);
}

ShardReader::ShardReader(const std::string& folder, const FileEntry& entry)
    : path_(folder + "/" + entry.name) {
  const QuietHdf5 quiet;
  try {
    file_ = std::make_unique<Hdf5Handle>(open_file(path_));
  } catch (const Hdf5Failure& failure) {
    refuse(path_, failure.what());
  }
}

void ShardReader::read(const FilePart& part, StateType type, std::int64_t offset, std::int64_t count,
                       std::byte* out) const {
  const QuietHdf5 quiet;
  try {
    const Hdf5Handle data = open_dataset(*file_, path_, part, type);
    const hsize_t start = static_cast<hsize_t>(offset), length = static_cast<hsize_t>(count);
    const Hdf5Handle space(H5Dget_space(data), H5Sclose, "space");
    const Hdf5Handle memory(H5Screate_simple(1, &length, nullptr), H5Sclose, "memory space");
    require_hdf5(H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, nullptr, &length, nullptr) >= 0,
                 "selection");
    require_hdf5(H5Dread(data, hdf5_type(type), memory, space, H5P_DEFAULT, out) >= 0, "values unreadable");
  } catch (const Hdf5Failure& failure) {
    refuse(path_, failure.what());
  }
}

void ShardReader::check_schema(const FileEntry& entry, const Manifest& manifest) const {
  const QuietHdf5 quiet;
  try {
    for (const FilePart& part : entry.parts)
      open_dataset(*file_, path_, part, manifest.find(part.tensor)->type);
  } catch (const Hdf5Failure& failure) {
    refuse(path_, failure.what());
  }
}

}  // namespace hone::checkpoint
