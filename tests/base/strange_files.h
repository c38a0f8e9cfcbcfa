#pragma once
// What may stand where a file was expected. None of it may be waited for, read without end or followed
// anywhere.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace hone {

struct StrangeFile {
  std::string name;
  std::function<void(const std::string& path)> make;
};

inline void make_socket(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ::close(fd);
}

inline std::vector<StrangeFile> strange_files() {
  namespace fs = std::filesystem;
  return {{"pipe", [](const std::string& path) { ::mkfifo(path.c_str(), 0600); }},
          {"folder", [](const std::string& path) { fs::create_directory(path); }},
          {"socket", make_socket},
          {"link to a device without end",
           [](const std::string& path) { fs::create_symlink("/dev/zero", path); }},
          {"link to an empty device", [](const std::string& path) { fs::create_symlink("/dev/null", path); }},
          {"link to a folder", [](const std::string& path) { fs::create_symlink("/", path); }},
          {"sparse file of 1 TiB", [](const std::string& path) {
             ::close(::creat(path.c_str(), 0600));
             fs::resize_file(path, std::uintmax_t{1} << 40);
           }}};
}

}  // namespace hone
