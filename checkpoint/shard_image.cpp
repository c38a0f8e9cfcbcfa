#include "checkpoint/shard_file.h"
#include "core/base/error.h"

namespace hone::checkpoint {
namespace {

std::int64_t total_elements(const ImageDataset& dataset) {
  std::size_t count = 0;
  for (const auto& segment : dataset.segments) count += segment.size();
  return static_cast<std::int64_t>(count);
}

Hdf5Handle create_core_file(std::int64_t bytes) {
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "file access list");
  require_hdf5(H5Pset_fapl_core(access, static_cast<std::size_t>(bytes), /*backing_store=*/0) >= 0,
               "core driver");
  require_hdf5(H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST) >= 0, "library version");
  const Hdf5Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose, "file creation list");
  require_hdf5(H5Pset_obj_track_times(creation, false) >= 0, "times off");
  return {H5Fcreate("image", H5F_ACC_TRUNC, creation, access), H5Fclose, "file in memory"};
}

void write_dataset(hid_t file, const ImageDataset& dataset) {
  const hsize_t length = static_cast<hsize_t>(total_elements(dataset));
  const Hdf5Handle space(H5Screate_simple(1, &length, nullptr), H5Sclose, "data space");
  const Hdf5Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "dataset creation list");
  require_hdf5(H5Pset_obj_track_times(creation, false) >= 0, "times off");
  require_hdf5(H5Pset_layout(creation, H5D_CONTIGUOUS) >= 0, "layout");
  require_hdf5(H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER) >= 0, "fill time");
  const Hdf5Handle data(
      H5Dcreate2(file, dataset.name.c_str(), H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT),
      H5Dclose, "dataset");
  hsize_t offset = 0;
  for (const auto& segment : dataset.segments) {
    const hsize_t count = segment.size();
    const Hdf5Handle memory(H5Screate_simple(1, &count, nullptr), H5Sclose, "memory space");
    require_hdf5(H5Sselect_hyperslab(space, H5S_SELECT_SET, &offset, nullptr, &count, nullptr) >= 0,
                 "selection");
    require_hdf5(H5Dwrite(data, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, segment.data()) >= 0, "write");
    offset += count;
  }
}

}  // namespace

std::vector<std::byte> build_image(const std::vector<ImageDataset>& datasets) {
  const QuietHdf5 quiet;
  std::int64_t bytes = kImageOverhead;
  for (const ImageDataset& dataset : datasets)
    bytes += total_elements(dataset) * static_cast<std::int64_t>(sizeof(float));
  const Hdf5Handle file = create_core_file(bytes);
  for (const ImageDataset& dataset : datasets) write_dataset(file, dataset);
  require_hdf5(H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0, "flush");
  const ssize_t size = H5Fget_file_image(file, nullptr, 0);
  require_hdf5(size > 0, "image size");
  HONE_CHECK(size <= bytes);
  std::vector<std::byte> image(static_cast<std::size_t>(size));
  require_hdf5(H5Fget_file_image(file, image.data(), image.size()) == size, "image");
  return image;
}

}  // namespace hone::checkpoint
