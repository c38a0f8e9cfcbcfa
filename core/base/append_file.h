#pragma once
// A file that grows: what is written is handed to the system whole before write() returns. Errors: exit 8
// (ML001).
#include <string>
#include <string_view>

namespace hone {

class AppendFile {
 public:
  enum class Open { empty, at_end };  // either makes a file that is not there
  AppendFile(std::string path, Open open);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  void write(std::string_view bytes);
  void sync();  // fsync

 private:
  std::string path_;
  int fd_ = -1;
};

}  // namespace hone
