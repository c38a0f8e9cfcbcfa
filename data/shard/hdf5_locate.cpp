#include "data/shard/hdf5_locate.h"

#include <array>
#include <cstring>

#include "core/base/error.h"

namespace hone::data {
namespace {

constexpr std::array<unsigned char, 8> kSignature{0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};

Hdf5Handle open_file(const std::string& path, std::span<const std::byte> map) {
  quiet_hdf5();
  if (map.size() < 48 || std::memcmp(map.data(), kSignature.data(), kSignature.size()) != 0)
    throw Error(Exit::input, "H5002", "not an HDF5 shard", path, "the signature is not there");
  const auto superblock = std::to_integer<int>(map[8]);
  if (superblock != 2 && superblock != 3)
    throw Error(Exit::input, "H5003", "superblock not supported", path,
                "version " + std::to_string(superblock) + ", need 2 or 3");
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fapl_sec2(access);
  Hdf5Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access), H5Fclose);
  if (!file.valid()) throw Error(Exit::input, "H5004", "cannot open shard", path, hdf5_error_text());
  return file;
}

}  // namespace

Hdf5Locator::Hdf5Locator(const std::string& path, std::span<const std::byte> map)
    : path_(path), map_(map), file_(open_file(path, map)) {}

void Hdf5Locator::fail(const char* code, const std::string& place, const std::string& why) const {
  throw Error(Exit::input, code, "shard refused", path_ + ":" + place, why);
}

std::uint64_t Hdf5Locator::attribute(const char* name) const {
  if (H5Aexists(file_, name) <= 0) fail("H5005", name, "attribute is missing");
  const Hdf5Handle attribute(H5Aopen(file_, name, H5P_DEFAULT), H5Aclose);
  if (!attribute.valid()) fail("H5005", name, hdf5_error_text());
  const Hdf5Handle type(H5Aget_type(attribute), H5Tclose), space(H5Aget_space(attribute), H5Sclose);
  if (H5Tequal(type, H5T_STD_U64LE) <= 0 || H5Sget_simple_extent_type(space) != H5S_SCALAR)
    fail("H5005", name, "attribute must be one 64-bit unsigned integer");
  std::uint64_t value = 0;
  if (H5Aread(attribute, H5T_NATIVE_UINT64, &value) < 0) fail("H5005", name, hdf5_error_text());
  return value;
}

void Hdf5Locator::require_hard_link(hid_t parent, const std::string& name, const std::string& place) const {
  if (H5Lexists(parent, name.c_str(), H5P_DEFAULT) <= 0) fail("H5006", place, "is missing");
  H5L_info_t info;
  if (H5Lget_info(parent, name.c_str(), &info, H5P_DEFAULT) < 0) fail("H5006", place, hdf5_error_text());
  if (info.type != H5L_TYPE_HARD) fail("H5007", place, "soft and external links are not followed");
}

void Hdf5Locator::require_kind(hid_t object, H5O_type_t kind, const std::string& place) const {
  if (object < 0) fail("H5006", place, hdf5_error_text());
  H5O_info_t info;
  if (H5Oget_info2(object, &info, H5O_INFO_BASIC) < 0 || info.type != kind)
    fail("H5006", place, kind == H5O_TYPE_GROUP ? "must be a group" : "must be a dataset");
}

Hdf5Handle Hdf5Locator::group(hid_t parent, const std::string& name, const std::string& place) const {
  require_hard_link(parent, name, place);
  Hdf5Handle object(H5Oopen(parent, name.c_str(), H5P_DEFAULT), H5Oclose);
  require_kind(object, H5O_TYPE_GROUP, place);
  return object;
}

void Hdf5Locator::require_plain_layout(hid_t dataset, const std::string& place) const {
  const Hdf5Handle plist(H5Dget_create_plist(dataset), H5Pclose);
  if (!plist.valid()) fail("H5008", place, hdf5_error_text());
  if (H5Pget_layout(plist) != H5D_CONTIGUOUS) fail("H5008", place, "layout must be contiguous");
  if (H5Pget_external_count(plist) != 0) fail("H5009", place, "stored in another file");
  if (H5Pget_nfilters(plist) != 0) fail("H5008", place, "filters are not allowed");
}

IntType Hdf5Locator::matching_type(hid_t dataset, std::span<const IntType> types,
                                   const std::string& place) const {
  const Hdf5Handle type(H5Dget_type(dataset), H5Tclose);
  if (type.valid() && H5Tcommitted(type) == 0)
    for (const IntType candidate : types)
      if (H5Tequal(type, hdf5_type(candidate)) > 0) return candidate;
  fail("H5010", place, "not of the integer type expected");
}

std::uint64_t Hdf5Locator::element_count(hid_t dataset, const std::string& place) const {
  const Hdf5Handle space(H5Dget_space(dataset), H5Sclose);
  hsize_t size = 0, limit = 0;
  if (!space.valid() || H5Sget_simple_extent_type(space) != H5S_SIMPLE ||
      H5Sget_simple_extent_ndims(space) != 1 || H5Sget_simple_extent_dims(space, &size, &limit) != 1 ||
      size != limit)
    fail("H5010", place, "must have one fixed dimension");
  return size;
}

DatasetPlace Hdf5Locator::dataset(const std::string& column, const std::string& name,
                                  std::span<const IntType> types) const {
  const std::string place = std::string("/") + kColumnsGroup + "/" + column + "/" + name;
  const Hdf5Handle columns = group(file_, kColumnsGroup, std::string("/") + kColumnsGroup);
  const Hdf5Handle parent = group(columns, column, std::string("/") + kColumnsGroup + "/" + column);
  require_hard_link(parent, name, place);
  const Hdf5Handle object(H5Oopen(parent, name.c_str(), H5P_DEFAULT), H5Oclose);
  require_kind(object, H5O_TYPE_DATASET, place);
  require_plain_layout(object, place);
  const IntType type = matching_type(object, types, place);
  const std::uint64_t count = element_count(object, place);
  if (count > map_.size() / size_of(type)) fail("H5011", place, "larger than the file");
  const std::size_t bytes = count * size_of(type);
  if (H5Dget_storage_size(object) != bytes) fail("H5011", place, "stored size differs from its extent");
  if (bytes == 0) return {type, {}};
  const haddr_t offset = H5Dget_offset(object);
  if (offset == HADDR_UNDEF || offset % 8 != 0 || offset > map_.size() - bytes)
    fail("H5011", place, "does not lie inside the file");
  return {type, map_.subspan(offset, bytes)};
}

}  // namespace hone::data
