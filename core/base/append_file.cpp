#include "core/base/append_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/error.h"

namespace hone {
namespace {

[[noreturn]] void fail(const std::string& path) {
  throw Error(Exit::output, "ML001", "cannot write", path, std::strerror(errno));
}

}  // namespace

AppendFile::AppendFile(std::string path, Open open) : path_(std::move(path)) {
  const int mode = open == Open::empty ? O_TRUNC : O_APPEND;
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | mode, 0644);
  if (fd_ < 0) fail(path_);
}

AppendFile::~AppendFile() { ::close(fd_); }

void AppendFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(path_);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void AppendFile::sync() {
  if (::fsync(fd_) != 0) fail(path_);
}

}  // namespace hone
