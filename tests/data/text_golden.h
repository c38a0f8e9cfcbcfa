#pragma once
// What the tests of data/text share: the golden files and small helpers.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/file_system.h"
#include "core/base/json.h"

namespace hone::data::text_test {

inline std::string golden(const std::string& name) { return std::string(HONE_GOLDEN_DIR) + "/text/" + name; }
inline Json golden_json(const std::string& name) { return parse_json_file(golden(name), "GOLDEN"); }

inline std::vector<std::string> hard_strings() {
  std::vector<std::string> out;
  for (const Json& entry : golden_json("strings.json")) {
    if (entry.is_string()) {
      out.push_back(entry.get<std::string>());
      continue;
    }
    std::string bytes;
    const auto hex = entry.at("hex").get<std::string>();
    for (std::size_t i = 0; i < hex.size(); i += 2)
      bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    out.push_back(bytes);
  }
  return out;
}

// SmolLM2's GGUF file, or empty where it is not on this machine.
inline std::string smollm2_gguf() {
  if (const char* path = std::getenv("HONE_SMOLLM2_GGUF")) return path;
  const std::string usual =
      std::string(HONE_GOLDEN_DIR) + "/../../.deps/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
  return path_exists(usual) ? usual : "";
}

#define HONE_NEED_SMOLLM2() \
  if (smollm2_gguf().empty()) GTEST_SKIP() << "no SmolLM2 GGUF here: set HONE_SMOLLM2_GGUF"

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "hone_text_XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Code of the Error that `action` throws with exit `exit`; anything else fails the test.
template <class Action>
std::string error_code(Action action, Exit exit = Exit::input) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), exit) << error.what();
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.code();
  }
  return "no error";
}

}  // namespace hone::data::text_test
