#include "data/shard/memory_image.h"

#include <cstdlib>
#include <cstring>

#include "core/base/error.h"

namespace hone::data {
namespace {

// The core driver's memory. It is kept when the driver closes, which is when the superblock is final: an
// image taken of an open file (H5Fget_file_image) has a superblock whose checksum HDF5 1.10 itself refuses.
struct Memory {
  void* data = nullptr;
  ~Memory() { std::free(data); }
};

void* grow(void* old, std::size_t size, H5FD_file_image_op_t, void* memory) {
  void* grown = std::realloc(old, size);
  if (grown) static_cast<Memory*>(memory)->data = grown;
  return grown;
}

void* allocate(std::size_t size, H5FD_file_image_op_t op, void* memory) {
  return grow(nullptr, size, op, memory);
}
void* copy(void* to, const void* from, std::size_t size, H5FD_file_image_op_t, void*) {
  return std::memcpy(to, from, size);
}
herr_t keep(void*, H5FD_file_image_op_t, void*) { return 0; }
void* share(void* memory) { return memory; }
herr_t leave(void*) { return 0; }

Hdf5Handle create_file(Memory& memory) {
  const Hdf5Handle access = checked_hdf5(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "access list");
  require_hdf5(H5Pset_fapl_core(access, std::size_t{1} << 20, false) >= 0, "core driver");
  require_hdf5(H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110) >= 0, "library version");
  require_hdf5(H5Pset_alignment(access, 1, 8) >= 0, "alignment");
  H5FD_file_image_callbacks_t callbacks{allocate, copy, grow, keep, share, leave, &memory};
  require_hdf5(H5Pset_file_image_callbacks(access, &callbacks) >= 0, "image callbacks");
  const std::string name =
      "image-" + std::to_string(reinterpret_cast<std::uintptr_t>(&memory));  // no two at once
  return checked_hdf5(H5Fcreate(name.c_str(), H5F_ACC_TRUNC, untimed(H5P_FILE_CREATE), access), H5Fclose,
                      "file");
}

// The end of the file as its superblock (version 2 or 3, 8-byte addresses) has it.
std::uint64_t end_of_file(const void* image) {
  std::uint64_t end = 0;
  std::memcpy(&end, static_cast<const std::byte*>(image) + 28, sizeof end);
  return end;
}

}  // namespace

void require_hdf5(bool done, const char* step) {
  if (!done) throw Error(Exit::internal, "H5001", "cannot lay out a shard", step, hdf5_error_text());
}

Hdf5Handle checked_hdf5(hid_t id, Hdf5Handle::Close close, const char* step) {
  require_hdf5(id >= 0, step);
  return {id, close};
}

Hdf5Handle untimed(hid_t property_class) {
  Hdf5Handle plist = checked_hdf5(H5Pcreate(property_class), H5Pclose, "creation list");
  require_hdf5(H5Pset_obj_track_times(plist, false) >= 0, "track times");
  return plist;
}

std::vector<std::byte> build_hdf5_image(const std::function<void(hid_t file)>& fill) {
  quiet_hdf5();
  Memory memory;
  {
    Hdf5Handle file = create_file(memory);
    fill(file);
    require_hdf5(H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0, "flush");
    require_hdf5(H5Fclose(file.release()) >= 0, "close");
  }
  const auto* bytes = static_cast<const std::byte*>(memory.data);
  return {bytes, bytes + end_of_file(bytes)};
}

}  // namespace hone::data
