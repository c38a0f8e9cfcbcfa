#include "core/formats/magic.h"

#include <string_view>

#include "core/base/error.h"

namespace hone::formats {
namespace {

std::string_view container_of(std::string_view bytes) {
  if (bytes.size() >= 2 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5) return "pickle";
  if (bytes.starts_with("PK\x03\x04")) return "zip (torch.save)";
  if (bytes.starts_with("\x1f\x8b")) return "gzip";
  if (bytes.size() >= 262 && bytes.substr(257, 5) == "ustar") return "tar";
  return {};
}

std::string_view text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

void refuse_pickle(std::span<const std::byte> bytes, const std::string& path) {
  const std::string_view container = container_of(text(bytes));
  if (container.empty()) return;
  throw Error(Exit::input, "IN001", "pickle checkpoints are not read (they can run code)", path,
              "a " + std::string(container) + " file", "convert it to safetensors first");
}

bool is_gguf(std::span<const std::byte> bytes) { return text(bytes).starts_with("GGUF"); }

}  // namespace hone::formats
