#pragma once
// An HDF5 file that exists in memory only; its bytes are complete once the library has closed it.
#include <cstddef>
#include <functional>
#include <vector>

#include "data/shard/hdf5_handles.h"

namespace hone::data {

// Creates a file in memory, lets `fill` write into it, closes it and returns its bytes.
std::vector<std::byte> build_hdf5_image(const std::function<void(hid_t file)>& fill);

// Throws H5001 with the library's reason where `done` is false.
void require_hdf5(bool done, const char* step);
Hdf5Handle checked_hdf5(hid_t id, Hdf5Handle::Close close, const char* step);

// A creation list without modification times, which would make equal content differ.
Hdf5Handle untimed(hid_t property_class);

}  // namespace hone::data
