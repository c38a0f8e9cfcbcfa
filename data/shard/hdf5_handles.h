#pragma once
// HDF5 ids as RAII values, and the library's own account of what went wrong. The library is used for two
// things only: to lay out a file image in memory, and to find where in a file the data lies.
#include <hdf5.h>

#include <string>
#include <utility>

namespace hone::data {

class Hdf5Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Hdf5Handle(hid_t id, Close close) : id_(id), close_(close) {}
  ~Hdf5Handle() {
    if (id_ >= 0) close_(id_);
  }
  Hdf5Handle(Hdf5Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Hdf5Handle& operator=(Hdf5Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  operator hid_t() const { return id_; }
  bool valid() const { return id_ >= 0; }
  hid_t release() { return std::exchange(id_, -1); }

 private:
  hid_t id_;
  Close close_;
};

// Nothing is printed by the library in this thread, and no plugin is ever loaded.
inline void quiet_hdf5() {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  H5PLset_loading_state(0);
}

// The innermost message of the error stack.
inline std::string hdf5_error_text() {
  std::string text = "the HDF5 library gave no reason";
  const auto keep_last = [](unsigned, const H5E_error2_t* entry, void* out) -> herr_t {
    if (entry->desc && *entry->desc) *static_cast<std::string*>(out) = entry->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep_last, &text);
  return text;
}

}  // namespace hone::data
