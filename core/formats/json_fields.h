#pragma once
// Typed, range-checked reading of one JSON object. `area` is two letters; the codes are <area>002 key
// missing, <area>003 out of range, <area>004 another type. A null counts as absent. Errors: exit 3.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"

namespace hone::formats {

class JsonFields {
 public:
  JsonFields(const Json& object, std::string area, std::string where);  // not an object: 004
  const Json* find(const std::string& key) const;                       // nullptr: absent or null
  std::optional<std::int64_t> integer(const std::string& key, std::int64_t min, std::int64_t max) const;
  std::optional<double> number(const std::string& key, double min, double max) const;
  std::optional<bool> boolean(const std::string& key) const;
  std::optional<std::string> string(const std::string& key) const;
  // A list, or one integer alone.
  std::optional<std::vector<std::int64_t>> integers(const std::string& key, std::int64_t min,
                                                    std::int64_t max) const;
  std::int64_t need_integer(const std::string& key, std::int64_t min, std::int64_t max) const;
  std::string need_string(const std::string& key) const;

  [[noreturn]] void refuse(std::string_view number, std::string_view what, const std::string& key,
                           const std::string& why, std::string_view hint = {}) const;
  const std::string& where() const { return where_; }

 private:
  [[noreturn]] void missing(const std::string& key) const {
    refuse("002", "key missing", key, "it is needed");
  }
  std::int64_t checked_integer(const Json& value, const std::string& key, std::int64_t min,
                               std::int64_t max) const;

  const Json& object_;
  std::string area_, where_;
};

}  // namespace hone::formats
