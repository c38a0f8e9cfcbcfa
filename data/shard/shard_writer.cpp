#include "data/shard/shard_writer.h"

#include <bit>

#include "data/shard/hdf5_types.h"
#include "data/shard/memory_image.h"

namespace hone::data {
namespace {

static_assert(std::endian::native == std::endian::little, "shards are written from memory as they lie there");

Hdf5Handle create_group(hid_t parent, const std::string& name) {
  return checked_hdf5(H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, untimed(H5P_GROUP_CREATE), H5P_DEFAULT),
                      H5Gclose, "group");
}

void write_attribute(hid_t object, const char* name, std::uint64_t value) {
  const Hdf5Handle space = checked_hdf5(H5Screate(H5S_SCALAR), H5Sclose, "scalar");
  const Hdf5Handle attribute = checked_hdf5(
      H5Acreate2(object, name, H5T_STD_U64LE, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose, "attribute");
  require_hdf5(H5Awrite(attribute, H5T_NATIVE_UINT64, &value) >= 0, "attribute value");
}

void write_plain(hid_t group, const std::string& name, IntType type, std::span<const std::byte> bytes) {
  const hsize_t count = bytes.size() / size_of(type);
  const Hdf5Handle space = checked_hdf5(H5Screate_simple(1, &count, &count), H5Sclose, "extent");
  const Hdf5Handle layout = untimed(H5P_DATASET_CREATE);
  require_hdf5(H5Pset_layout(layout, H5D_CONTIGUOUS) >= 0, "layout");
  require_hdf5(H5Pset_alloc_time(layout, H5D_ALLOC_TIME_EARLY) >= 0, "allocation time");
  const Hdf5Handle dataset =
      checked_hdf5(H5Dcreate2(group, name.c_str(), hdf5_type(type), space, H5P_DEFAULT, layout, H5P_DEFAULT),
                   H5Dclose, "dataset");
  if (count > 0)
    require_hdf5(H5Dwrite(dataset, hdf5_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()) >= 0,
                 "data");
}

void write_checked(hid_t group, const std::string& name, IntType type, std::span<const std::byte> bytes) {
  const std::vector<std::uint64_t> digests = block_digests(bytes);
  write_plain(group, name, type, bytes);
  write_plain(group, name + kDigestSuffix, IntType::u64, std::as_bytes(std::span(digests)));
}

}  // namespace

std::vector<std::byte> shard_image(const ShardHeader& header, std::span<const Column> columns) {
  return build_hdf5_image([&](hid_t file) {
    write_attribute(file, kVersionAttribute, kShardFormatVersion);
    for (const HeaderAttribute& attribute : kHeaderAttributes)
      write_attribute(file, attribute.name, header.*attribute.field);
    const Hdf5Handle group = create_group(file, kColumnsGroup);
    for (const Column& column : columns) {
      const Hdf5Handle place = create_group(group, column.name);
      write_checked(place, "values", column.type, column.values);
      if (column.ragged)
        write_checked(place, "offsets", IntType::u64, std::as_bytes(std::span(column.offsets)));
    }
  });
}

}  // namespace hone::data
