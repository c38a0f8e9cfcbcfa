#include "core/formats/json_fields.h"

#include <fmt/format.h>

#include <utility>

#include "core/base/error.h"

namespace hone::formats {

JsonFields::JsonFields(const Json& object, std::string area, std::string where)
    : object_(object), area_(std::move(area)), where_(std::move(where)) {
  if (!object_.is_object())
    throw Error(Exit::input, area_ + "004", "not a JSON object", where_, "an object was expected");
}

void JsonFields::refuse(std::string_view number, std::string_view what, const std::string& key,
                        const std::string& why, std::string_view hint) const {
  throw Error(Exit::input, fmt::format("{}{}", area_, number), what, fmt::format("{}: {}", where_, key), why,
              hint);
}

const Json* JsonFields::find(const std::string& key) const {
  const auto it = object_.find(key);
  return it == object_.end() || it->is_null() ? nullptr : &*it;
}

std::int64_t JsonFields::checked_integer(const Json& value, const std::string& key, std::int64_t min,
                                         std::int64_t max) const {
  if (!value.is_number_integer()) refuse("004", "value of another type", key, "an integer was expected");
  const bool huge =
      value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
  if (huge || value.get<std::int64_t>() < min || value.get<std::int64_t>() > max)
    refuse("003", "value out of range", key, fmt::format("{} is not in {} to {}", value.dump(), min, max));
  return value.get<std::int64_t>();
}

std::optional<std::int64_t> JsonFields::integer(const std::string& key, std::int64_t min,
                                                std::int64_t max) const {
  const Json* value = find(key);
  if (!value) return std::nullopt;
  return checked_integer(*value, key, min, max);
}

std::optional<double> JsonFields::number(const std::string& key, double min, double max) const {
  const Json* value = find(key);
  if (!value) return std::nullopt;
  if (!value->is_number()) refuse("004", "value of another type", key, "a number was expected");
  const double number = value->get<double>();
  if (!(number >= min && number <= max))
    refuse("003", "value out of range", key, fmt::format("{} is not in {} to {}", number, min, max));
  return number;
}

std::optional<bool> JsonFields::boolean(const std::string& key) const {
  const Json* value = find(key);
  if (!value) return std::nullopt;
  if (!value->is_boolean()) refuse("004", "value of another type", key, "true or false was expected");
  return value->get<bool>();
}

std::optional<std::string> JsonFields::string(const std::string& key) const {
  const Json* value = find(key);
  if (!value) return std::nullopt;
  if (!value->is_string()) refuse("004", "value of another type", key, "a string was expected");
  return value->get<std::string>();
}

std::optional<std::vector<std::int64_t>> JsonFields::integers(const std::string& key, std::int64_t min,
                                                              std::int64_t max) const {
  const Json* value = find(key);
  if (!value) return std::nullopt;
  if (!value->is_array()) return std::vector{checked_integer(*value, key, min, max)};
  std::vector<std::int64_t> result;
  for (const Json& element : *value) result.push_back(checked_integer(element, key, min, max));
  return result;
}

std::int64_t JsonFields::need_integer(const std::string& key, std::int64_t min, std::int64_t max) const {
  const auto value = integer(key, min, max);
  if (!value) missing(key);
  return *value;
}

std::string JsonFields::need_string(const std::string& key) const {
  auto value = string(key);
  if (!value) missing(key);
  return *std::move(value);
}

}  // namespace hone::formats
