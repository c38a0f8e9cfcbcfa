#pragma once
// nlohmann::json for our own small files and for the configs of Hugging Face folders, read with the checks
// that library lacks: depth limit, duplicate keys refused, UTF-8 required. Rows of data go through simdjson
// instead.
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace hone {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

// Throws Error(Exit::input, code, "bad JSON", where, ...) with the byte offset. At most 8 million keys and
// values.
Json parse_json(std::string_view text, std::string_view code, std::string_view where, int max_depth = 64);
Json parse_json_file(const std::string& path, std::string_view code, std::size_t limit = std::size_t{4} << 20,
                     int max_depth = 64);

}  // namespace hone
