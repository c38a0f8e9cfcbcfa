#include <fmt/format.h>

#include <cstdlib>
#include <cstring>

#include "checkpoint/shard_file.h"
#include "core/base/error.h"

namespace hone::checkpoint {
namespace {

std::int64_t total_bytes(const ImageDataset& dataset) {
  std::size_t count = 0;
  for (const auto& segment : dataset.segments) count += segment.size();
  return static_cast<std::int64_t>(count);
}

// HDF5's core driver takes its memory from here and leaves it behind on close, when the file in it is
// complete. (H5Fget_file_image would copy it once more, and out of an open file, which HDF5 1.10 then cannot
// open.)
void* resize_image(void* memory, std::size_t size, H5FD_file_image_op_t, void* holder) {
  void* moved = std::realloc(memory, size);
  if (moved) {
    auto& held = *static_cast<ImageMemory*>(holder);
    (void)held.release();
    held.reset(moved);
  }
  return moved;
}
void* allocate_image(std::size_t size, H5FD_file_image_op_t op, void* holder) {
  return resize_image(nullptr, size, op, holder);
}
void* copy_image(void* to, const void* from, std::size_t size, H5FD_file_image_op_t, void*) {
  return std::memcpy(to, from, size);
}
herr_t keep_image(void*, H5FD_file_image_op_t, void*) { return 0; }
void* share_holder(void* held) { return held; }
herr_t leave_holder(void*) { return 0; }

Hdf5Handle create_core_file(const std::string& name, std::int64_t bytes, ImageMemory* holder) {
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "file access list");
  require_hdf5(H5Pset_fapl_core(access, static_cast<std::size_t>(bytes), /*backing_store=*/0) >= 0,
               "core driver");
  require_hdf5(H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST) >= 0, "library version");
  H5FD_file_image_callbacks_t callbacks{allocate_image, copy_image,   resize_image, keep_image,
                                        share_holder,   leave_holder, holder};
  require_hdf5(H5Pset_file_image_callbacks(access, &callbacks) >= 0, "file image");
  const Hdf5Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose, "file creation list");
  require_hdf5(H5Pset_obj_track_times(creation, false) >= 0, "times off");
  return {H5Fcreate(name.c_str(), H5F_ACC_TRUNC, creation, access), H5Fclose, "file in memory"};
}

// The memory is larger than the file; its end stands in the superblock (version 2 and 3, 8-byte offsets).
std::size_t file_end(const void* image) {
  constexpr std::size_t kEndOfFile = 28;
  std::uint64_t end = 0;
  std::memcpy(&end, static_cast<const char*>(image) + kEndOfFile, sizeof end);
  return end;
}

void write_dataset(hid_t file, const ImageDataset& dataset) {
  const hid_t type = hdf5_type(dataset.type);
  const std::int64_t value_bytes = size_of(dataset.type);
  const hsize_t length = static_cast<hsize_t>(total_bytes(dataset) / value_bytes);
  const Hdf5Handle space(H5Screate_simple(1, &length, nullptr), H5Sclose, "data space");
  const Hdf5Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "dataset creation list");
  require_hdf5(H5Pset_obj_track_times(creation, false) >= 0, "times off");
  require_hdf5(H5Pset_layout(creation, H5D_CONTIGUOUS) >= 0, "layout");
  require_hdf5(H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER) >= 0, "fill time");
  const Hdf5Handle data(
      H5Dcreate2(file, dataset.name.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT), H5Dclose,
      "dataset");
  hsize_t offset = 0;
  for (const auto& segment : dataset.segments) {
    const hsize_t count = segment.size() / static_cast<std::size_t>(value_bytes);
    const Hdf5Handle memory(H5Screate_simple(1, &count, nullptr), H5Sclose, "memory space");
    require_hdf5(H5Sselect_hyperslab(space, H5S_SELECT_SET, &offset, nullptr, &count, nullptr) >= 0,
                 "selection");
    require_hdf5(H5Dwrite(data, type, memory, space, H5P_DEFAULT, segment.data()) >= 0, "write");
    offset += count;
  }
}

}  // namespace

hid_t hdf5_type(StateType type) {
  return type == StateType::f32 ? H5T_IEEE_F32LE : type == StateType::bf16 ? H5T_STD_U16LE : H5T_STD_U8LE;
}

ShardImage::ShardImage(const std::vector<ImageDataset>& datasets) {
  const QuietHdf5 quiet;
  std::int64_t bytes = kImageOverhead;
  for (const ImageDataset& dataset : datasets) bytes += total_bytes(dataset);
  // HDF5 takes two open files of one name for the same; ranks may be threads.
  Hdf5Handle file = create_core_file(fmt::format("image-{}", fmt::ptr(this)), bytes, &memory_);
  for (const ImageDataset& dataset : datasets) write_dataset(file, dataset);
  file.close("close");
  size_ = file_end(memory_.get());
  HONE_CHECK(size_ > 0 && size_ <= static_cast<std::size_t>(bytes));
}

}  // namespace hone::checkpoint
