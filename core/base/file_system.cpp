#include "core/base/file_system.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "core/base/error.h"
#include "core/base/fault_point.h"

namespace hone {
namespace {

namespace fs = std::filesystem;

std::function<void(std::string_view, const std::string&)>& fault_hook() {
  static std::function<void(std::string_view, const std::string&)> hook;
  return hook;
}

void before(std::string_view act, FaultPoint point, const std::string& path) {
  if (fault_hook()) fault_hook()(act, path);
  fault_point(point, path);
}

[[noreturn]] void fail_read(const std::string& path) {
  throw Error(Exit::input, "FS001", "cannot read", path, std::strerror(errno));
}

[[noreturn]] void fail_write(const std::string& path) {
  throw Error(Exit::output, "FS010", "cannot write", path, std::strerror(errno));
}

std::string parent_of(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

}  // namespace

MappedFile::MappedFile(const std::string& path) : path_(path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) fail_read(path);
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    throw Error(Exit::input, "FS002", "not a regular file", path, "a file was expected here");
  }
  size_ = static_cast<std::size_t>(info.st_size);
  if (size_ > 0) {
    void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
    if (mapped == MAP_FAILED) {
      ::close(fd);
      fail_read(path);
    }
    data_ = static_cast<const std::byte*>(mapped);
  }
  ::close(fd);
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

std::string read_text_file(const std::string& path, std::size_t limit) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  if (bytes.size() > limit)
    throw Error(Exit::input, "FS003", "file too large", path,
                std::to_string(bytes.size()) + " bytes, limit " + std::to_string(limit));
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool path_exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

bool is_directory(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::vector<std::string> list_directory(const std::string& path) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error))
    names.push_back(it->path().filename().string());
  if (error) throw Error(Exit::input, "FS001", "cannot read", path, error.message());
  std::sort(names.begin(), names.end());
  return names;
}

void make_directories(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw Error(Exit::output, "FS011", "cannot create folder", path, error.message());
}

void remove_all(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) throw Error(Exit::output, "FS012", "cannot remove", path, error.message());
}

void sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) fail_write(path);
  const int result = ::fsync(fd);
  ::close(fd);
  if (result != 0) fail_write(path);
}

void rename_durable(const std::string& from, const std::string& to) {
  before("rename", "file.rename", to);
  if (::rename(from.c_str(), to.c_str()) != 0) fail_write(to);
  sync_directory(parent_of(to));
}

void write_file_atomic(const std::string& path, std::string_view content) {
  write_file_atomic(path, std::as_bytes(std::span(content)));
}

void write_file_atomic(const std::string& path, std::span<const std::byte> content) {
  AtomicFileWriter writer(path);
  writer.write(content);
  writer.commit();
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

bool FileLock::acquire(double patience_seconds) {
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0) fail_write(path_);
  constexpr double kPause = 0.1;
  while (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return true;
    if ((patience_seconds -= kPause) < 0) return false;
    std::this_thread::sleep_for(std::chrono::duration<double>(kPause));
  }
  return true;
}

void require_writable_place(const std::string& path) {
  std::error_code error;
  fs::path place = fs::absolute(path, error).lexically_normal();
  while (!error && fs::symlink_status(place, error).type() == fs::file_type::not_found &&
         place.has_relative_path()) {
    error.clear();
    place = place.parent_path();
  }
  if (!error && !fs::is_directory(place, error) && !error)
    error = std::make_error_code(std::errc::not_a_directory);
  if (!error && ::access(place.c_str(), W_OK | X_OK) != 0) error = {errno, std::generic_category()};
  if (error)
    throw Error(Exit::output, "FS011", "cannot create folder", path, place.string() + ": " + error.message());
}

void require_plain_name(std::string_view name, std::string_view code, std::string_view where) {
  const bool plain = !name.empty() && name != "." && name != ".." && name.size() <= 255 &&
                     std::all_of(name.begin(), name.end(), [](char c) {
                       return c != '/' && c != '\\' && static_cast<unsigned char>(c) >= 0x20;
                     });
  if (!plain)
    throw Error(Exit::input, code, "file name not allowed", where,
                "\"" + std::string(name.substr(0, 80)) + "\"", "only plain file names in the same folder");
}

void set_write_fault_hook(std::function<void(std::string_view, const std::string&)> hook) {
  fault_hook() = std::move(hook);
}

AtomicFileWriter::AtomicFileWriter(std::string path)
    : path_(std::move(path)), temporary_(path_ + ".tmp-" + std::to_string(::getpid())) {
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd_ < 0) fail_write(path_);
}

AtomicFileWriter::~AtomicFileWriter() {
  if (fd_ >= 0) {
    ::close(fd_);
    ::unlink(temporary_.c_str());
  }
}

void AtomicFileWriter::write(std::span<const std::byte> bytes) {
  before("write", "file.write", path_);
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), std::min<std::size_t>(bytes.size(), 1u << 30));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_write(path_);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFileWriter::begin_writeback() {
  ::sync_file_range(fd_, 0, 0, SYNC_FILE_RANGE_WRITE);  // only a hint: commit() is what makes it durable
}

void AtomicFileWriter::commit() {
  before("fsync", "file.fsync", path_);
  if (::fsync(fd_) != 0) fail_write(path_);
  before("rename", "file.rename", path_);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_write(path_);
  ::close(std::exchange(fd_, -1));
  sync_directory(parent_of(path_));
}

}  // namespace hone
