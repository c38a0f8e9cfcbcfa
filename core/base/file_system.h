#pragma once
// The one door to files. Reading maps, writing is atomic (temporary name, fsync, rename, fsync of the folder)
// so that no reader ever meets half a file. Failures are Errors: missing or unreadable input exit 3 (FS00x),
// anything that cannot be written exit 8 (FS01x). Thread-safe: no state but the write fault hook of tests.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hone {

// A regular file mapped read-only. A symbolic link is followed, its target must be a regular file.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

std::string read_text_file(const std::string& path, std::size_t limit = std::size_t{1} << 30);
bool path_exists(const std::string& path);
bool is_directory(const std::string& path);
std::vector<std::string> list_directory(const std::string& path);  // plain names, sorted
void make_directories(const std::string& path);
void remove_all(const std::string& path);

void write_file_atomic(const std::string& path, std::string_view content);
void write_file_atomic(const std::string& path, std::span<const std::byte> content);
void rename_durable(const std::string& from, const std::string& to);  // rename, then fsync of the parent
void sync_directory(const std::string& path);

// A file name that came from inside another file (an index, a manifest): must be plain, else Error `code`.
void require_plain_name(std::string_view name, std::string_view code, std::string_view where);

// Tests make a write, sync or rename fail or kill the process at a named point: called with "write", "fsync",
// "rename" and the path before each. Empty by default. Set while no other thread writes.
void set_write_fault_hook(std::function<void(std::string_view point, const std::string& path)> hook);

// Held by one process of all that ask for it, from acquire() to destruction or the process's end; on file systems
// without locks it is always had.
class FileLock {
 public:
  explicit FileLock(std::string path) : path_(std::move(path)) {}
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  bool acquire(double patience_seconds);  // false where another still holds it then

 private:
  std::string path_;
  int fd_ = -1;
};

// FS011 where a folder could not be made or written to at `path`; nothing is made.
void require_writable_place(const std::string& path);

// A new file written piece by piece under a temporary name; commit() makes it durable under its own.
// Without commit the destructor removes the temporary.
class AtomicFileWriter {
 public:
  explicit AtomicFileWriter(std::string path);
  ~AtomicFileWriter();
  AtomicFileWriter(const AtomicFileWriter&) = delete;
  AtomicFileWriter& operator=(const AtomicFileWriter&) = delete;
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  void begin_writeback();  // of what was written, without waiting
  void commit();

 private:
  std::string path_, temporary_;
  int fd_ = -1;
};

}  // namespace hone
