#include "core/formats/safetensors_header.h"

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

#include "core/base/error.h"
#include "core/base/json.h"

namespace hone::formats {
namespace {

constexpr std::size_t kMaxTensors = 200'000, kMaxName = 512, kMaxRank = 8, kMaxMetadata = 65'536;

constexpr std::array<std::pair<std::string_view, DType>, 9> kTypes{{{"F64", DType::f64},
                                                                    {"F32", DType::f32},
                                                                    {"F16", DType::f16},
                                                                    {"BF16", DType::bf16},
                                                                    {"I64", DType::i64},
                                                                    {"I32", DType::i32},
                                                                    {"I8", DType::i8},
                                                                    {"U8", DType::u8},
                                                                    {"BOOL", DType::boolean}}};

// Accepts exactly {"name": {"dtype": "F32", "shape": [..], "data_offsets": [b, e]}, "__metadata__": {"k":
// "v"}}.
class HeaderHandler : public nlohmann::json_sax<Json> {
 public:
  explicit HeaderHandler(const std::string& path) : path_(path) {}
  SafetensorsHeader take() { return std::move(header_); }

  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("a boolean"); }
  bool number_integer(number_integer_t) override { unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { unexpected("a number that is no integer"); }
  bool binary(binary_t&) override { unexpected("binary"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ != Place::list) unexpected("a number");
    if (field_ == "shape") {
      if (tensor_.info.shape.size() == kMaxRank) refuse("ST008", "bad shape", "more than 8 dimensions");
      if (value > static_cast<number_unsigned_t>(INT64_MAX))
        refuse("ST008", "bad shape", "too large a dimension");
      tensor_.info.shape.push_back(static_cast<std::int64_t>(value));
    } else {
      if (offsets_ == 2) unexpected("a third offset");
      (offsets_++ == 0 ? tensor_.begin : tensor_.end) = value;
    }
    return true;
  }

  bool string(string_t& value) override {
    if (place_ == Place::metadata) {
      if (!header_.metadata.emplace(field_, value).second) refuse("ST004", "key stands twice", field_);
      if (header_.metadata.size() > kMaxMetadata) refuse("ST005", "bad header", "too many metadata entries");
    } else if (place_ == Place::tensor && field_ == "dtype") {
      const auto* type =
          std::find_if(kTypes.begin(), kTypes.end(), [&](auto& t) { return t.first == value; });
      if (type == kTypes.end()) refuse("ST007", "tensor type not supported", value.substr(0, 40));
      tensor_.info.dtype = type->second;
    } else {
      unexpected("a string");
    }
    return true;
  }

  bool key(string_t& key) override {
    field_ = key;
    if (place_ == Place::root) {
      start_entry(key);
    } else if (place_ == Place::tensor) {
      const int bit = key == "dtype" ? 1 : key == "shape" ? 2 : key == "data_offsets" ? 4 : 0;
      if (bit == 0) unexpected("the key \"" + key.substr(0, 40) + "\"");
      if (seen_ & bit) refuse("ST004", "key stands twice", key);
      seen_ |= bit;
    }
    return true;
  }

  bool start_object(std::size_t) override {
    if (place_ == Place::outside)
      place_ = Place::root;
    else if (place_ == Place::root)
      place_ = name_ == "__metadata__" ? Place::metadata : Place::tensor;
    else
      unexpected("an object");
    return true;
  }

  bool end_object() override {
    if (place_ == Place::tensor) {
      if (seen_ != 7) refuse("ST005", "bad header", "dtype, shape or data_offsets is missing");
      header_.tensors.push_back(std::move(tensor_));
    }
    place_ = place_ == Place::root ? Place::outside : Place::root;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ != Place::tensor || field_ == "dtype") unexpected("a list");
    place_ = Place::list;
    return true;
  }

  bool end_array() override {
    if (field_ == "data_offsets" && offsets_ != 2)
      refuse("ST005", "bad header", "data_offsets needs two numbers");
    place_ = Place::tensor;
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& e) override {
    throw Error(Exit::input, "ST004", "bad JSON in the header", path_, e.what());
  }

 private:
  enum class Place { outside, root, tensor, metadata, list };

  void start_entry(const std::string& name) {
    name_ = name.substr(0, kMaxName);
    tensor_ = {};
    tensor_.info.name = name_;
    seen_ = offsets_ = 0;
    const bool printable = std::none_of(
        name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    if (name.empty() || name.size() > kMaxName || !printable)
      refuse("ST006", "bad tensor name", "1 to 512 printable bytes are allowed");
    if (!names_.insert(name).second) refuse("ST006", "tensor stands twice", "in the header");
    if (names_.size() > kMaxTensors + 1) refuse("ST005", "too many tensors", "limit 200000");
  }

  [[noreturn]] void refuse(std::string_view code, std::string_view what, const std::string& why) const {
    throw Error(Exit::input, code, what, name_.empty() ? path_ : path_ + ": " + name_, why);
  }
  [[noreturn]] void unexpected(const std::string& met) const {
    refuse("ST005", "bad header", met + " where none belongs");
  }

  const std::string& path_;
  SafetensorsHeader header_;
  std::unordered_set<std::string> names_;
  HeaderTensor tensor_;
  std::string name_, field_;
  Place place_ = Place::outside;
  int seen_ = 0, offsets_ = 0;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view json, const std::string& path) {
  if (!json.starts_with('{'))
    throw Error(Exit::input, "ST005", "bad header", path, "it does not begin with {");
  HeaderHandler handler(path);
  Json::sax_parse(json.begin(), json.end(), &handler);
  return handler.take();
}

std::string_view safetensors_dtype_name(DType dtype) {
  const auto* type = std::find_if(kTypes.begin(), kTypes.end(), [&](auto& t) { return t.second == dtype; });
  HONE_CHECK(type != kTypes.end());
  return type->first;
}

}  // namespace hone::formats
