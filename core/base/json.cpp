#include "core/base/json.h"

#include <set>
#include <vector>

#include "core/base/error.h"
#include "core/base/file_system.h"

namespace hone {
namespace {

// Begins, ends, keys and values. A tokenizer of 256,000 tokens has 2.6 million; a text of nothing but those
// takes tens of times its size in memory.
constexpr std::size_t kMaxJsonEvents = std::size_t{1} << 23;

}  // namespace

Json parse_json(std::string_view text, std::string_view code, std::string_view where, int max_depth) {
  std::vector<std::set<std::string>> keys;  // of the objects being read
  const auto refuse = [&](const std::string& why) -> void {
    throw Error(Exit::input, code, "bad JSON", where, why);
  };
  std::size_t values = 0;
  const auto check = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > max_depth) refuse("nested deeper than " + std::to_string(max_depth));
    if (++values > kMaxJsonEvents) refuse("more than " + std::to_string(kMaxJsonEvents) + " keys and values");
    switch (event) {
      case Json::parse_event_t::object_start:
        keys.emplace_back();
        break;
      case Json::parse_event_t::object_end:
        keys.pop_back();
        break;
      case Json::parse_event_t::key:
        if (!keys.back().insert(parsed.get<std::string>()).second)
          refuse("key \"" + parsed.get<std::string>() + "\" stands twice");
        break;
      default:
        break;
    }
    return true;
  };
  try {
    return Json::parse(text.begin(), text.end(), check);
  } catch (const Json::exception& e) {
    refuse(e.what());
    throw;
  }
}

Json parse_json_file(const std::string& path, std::string_view code, std::size_t limit, int max_depth) {
  return parse_json(read_text_file(path, limit), code, path, max_depth);
}

}  // namespace hone
