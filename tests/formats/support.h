#pragma once
// Shared by the tests of core/formats: scratch folders, golden hashes, the error a call throws.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/formats/tensor_source.h"
#include "tests/base/bad_inputs.h"
#include "tests/base/memory_file.h"

namespace hone::formats {

inline std::string golden(const std::string& name) {
  return std::string(HONE_GOLDEN_DIR) + "/formats/" + name;
}

class Scratch {
 public:
  Scratch() {
    static std::atomic<int> counter = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("hone-formats-" + std::to_string(::getpid()) + "-" + std::to_string(counter++));
    std::filesystem::create_directories(path_);
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  std::string path() const { return path_.string(); }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline std::string read_all(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

inline std::string write_all(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

// Copies a golden folder, so that a test may change it.
inline void copy_golden(const std::string& name, const Scratch& to) {
  std::filesystem::copy(golden(name), to.path(), std::filesystem::copy_options::recursive);
}

// The code of the Error that a call throws, with its exit code checked; "none" or "other" otherwise.
inline std::string code_of(const std::function<void()>& call, Exit exit = Exit::input) {
  try {
    call();
  } catch (const Error& e) {
    EXPECT_EQ(static_cast<int>(e.exit()), static_cast<int>(exit)) << e.what();
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
    return e.code();
  } catch (const std::exception& e) {
    return std::string("other: ") + e.what();
  }
  return "none";
}

inline std::string fnv(const std::vector<float>& values) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
  for (std::size_t i = 0; i < values.size() * 4; ++i) hash = (hash ^ bytes[i]) * 0x100000001B3u;
  std::ostringstream text;
  text << std::hex;
  text.width(16);
  text.fill('0');
  text << hash;
  return text.str();
}

inline std::int64_t elements_of(const TensorInfo& info) {
  std::int64_t count = 1;
  for (const std::int64_t dim : info.shape) count *= dim;
  return count;
}

inline std::vector<float> read_whole(const TensorSource& source, const TensorInfo& info) {
  std::vector<float> values(static_cast<std::size_t>(elements_of(info)));
  source.read_rows(info, 0, info.shape[0], values.data());
  return values;
}

inline std::map<std::string, std::string> expected_hashes(const std::string& name) {
  return parse_json(read_all(golden(name)), "XX000", name).get<std::map<std::string, std::string>>();
}

inline std::map<std::string, std::string> hashes_of(const TensorSource& source) {
  std::map<std::string, std::string> hashes;
  for (const TensorInfo& info : source.tensors()) hashes[info.name] = fnv(read_whole(source, info));
  return hashes;
}

// A safetensors file from a header and data, its length prefix made to fit.
inline std::string safetensors_bytes(const std::string& header, const std::string& data = {}) {
  const std::uint64_t size = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &size, 8);
  return bytes + header + data;
}

}  // namespace hone::formats
