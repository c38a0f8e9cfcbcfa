#pragma once
// The little of HDF5's C library that checkpoints need: handles that close themselves, errors as exceptions.
#include <hdf5.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace hone::checkpoint {

// What HDF5 refused; callers turn it into an Error that names the file.
struct Hdf5Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void require_hdf5(bool held, const char* what) {
  if (!held) throw Hdf5Failure(what);
}

class Hdf5Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Hdf5Handle(hid_t id, Close close, const char* what) : id_(id), close_(close) {
    require_hdf5(id >= 0, what);
  }
  ~Hdf5Handle() {
    if (id_ >= 0) close_(id_);
  }
  Hdf5Handle(Hdf5Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Hdf5Handle& operator=(Hdf5Handle&&) = delete;
  operator hid_t() const { return id_; }
  void close(const char* what) { require_hdf5(close_(std::exchange(id_, -1)) >= 0, what); }

 private:
  hid_t id_;
  Close close_;
};

// No error stacks on standard error, no plugins from the environment, while in scope on this thread.
class QuietHdf5 {
 public:
  QuietHdf5() {
    H5PLset_loading_state(0);
    H5Eget_auto2(H5E_DEFAULT, &function_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  ~QuietHdf5() { H5Eset_auto2(H5E_DEFAULT, function_, data_); }
  QuietHdf5(const QuietHdf5&) = delete;
  QuietHdf5& operator=(const QuietHdf5&) = delete;

 private:
  H5E_auto2_t function_ = nullptr;
  void* data_ = nullptr;
};

}  // namespace hone::checkpoint
