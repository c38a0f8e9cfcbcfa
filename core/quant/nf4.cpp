#include "core/quant/nf4.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/base/dynamic_map.h"
#include "core/base/error.h"

namespace hone::quant {

namespace {

template <std::size_t N>
std::array<float, N - 1> midpoints(const std::array<float, N>& code) {
  std::array<float, N - 1> out;
  for (std::size_t i = 0; i + 1 < N; ++i) out[i] = (code[i] + code[i + 1]) / 2.0f;
  return out;
}

// Number of thresholds strictly below x: a tie goes to the lower index.
template <std::size_t N>
std::uint8_t nearest(const std::array<float, N>& thresholds, float x) {
  return static_cast<std::uint8_t>(std::lower_bound(thresholds.begin(), thresholds.end(), x) -
                                   thresholds.begin());
}

std::uint8_t nf4_index(float x) {
  static const std::array<float, 15> thresholds = midpoints(kNf4Codebook);
  std::uint8_t index = 0;
  for (const float threshold : thresholds) index += x > threshold;
  return index;
}

template <class T>
std::vector<T> copy_as(std::span<const std::byte> bytes) {
  std::vector<T> out(bytes.size() / sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), bytes.data(), out.size() * sizeof(T));
  return out;
}

float mean_of(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += value;
  return values.empty() ? 0.0f : static_cast<float>(sum / static_cast<double>(values.size()));
}

float largest_magnitude(const float* values, std::int64_t count) {
  float top = 0;
  for (std::int64_t i = 0; i < count; ++i) top = std::max(top, std::fabs(values[i]));
  return top;
}

}  // namespace

std::int64_t Nf4Data::bytes() const {
  return static_cast<std::int64_t>(codes.size() + absmax.size() * 4 + absmax_codes.size() +
                                   nested_absmax.size() * 4);
}

Nf4Quantizer::Nf4Quantizer(std::int64_t elements) {
  data_.elements = elements;
  data_.codes.assign((elements + 1) / 2, 0);
  data_.absmax.reserve(data_.blocks());
}

void Nf4Quantizer::push(std::span<const float> values) {
  HONE_CHECK(done_ + static_cast<std::int64_t>(pending_.size() + values.size()) <= data_.elements);
  while (!values.empty()) {
    const bool last = done_ + static_cast<std::int64_t>(pending_.size() + values.size()) == data_.elements;
    if (pending_.empty() && (values.size() >= kNf4Block || last)) {
      const auto count = std::min<std::size_t>(kNf4Block, values.size());
      quantize_block(values.data(), static_cast<std::int64_t>(count));
      values = values.subspan(count);
      continue;
    }
    const std::size_t take = std::min<std::size_t>(kNf4Block - pending_.size(), values.size());
    pending_.insert(pending_.end(), values.begin(), values.begin() + take);
    values = values.subspan(take);
    const bool complete = done_ + static_cast<std::int64_t>(pending_.size()) == data_.elements;
    if (pending_.size() == kNf4Block || complete) {
      quantize_block(pending_.data(), static_cast<std::int64_t>(pending_.size()));
      pending_.clear();
    }
  }
}

void Nf4Quantizer::quantize_block(const float* values, std::int64_t count) {
  const float top = largest_magnitude(values, count);
  const float inverse = top > 0 ? 1.0f / top : 0.0f;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint8_t code = nf4_index(values[i] * inverse);
    const std::int64_t element = done_ + i;
    data_.codes[element / 2] |= element % 2 == 0 ? static_cast<std::uint8_t>(code << 4) : code;
  }
  data_.absmax.push_back(top);
  done_ += count;
}

Nf4Data Nf4Quantizer::finish(bool double_quant) {
  HONE_CHECK(done_ == data_.elements && pending_.empty());
  if (double_quant) double_quantize(data_);
  return std::move(data_);
}

Nf4Data from_stored(std::int64_t elements, const formats::Nf4Parts& parts) {
  if (parts.block_size != kNf4Block ||
      (!parts.nested_absmax.empty() && parts.nested_block_size != kNestedBlock))
    throw Error(
        Exit::input, "NF010", "NF4 block size not supported", "quant_state",
        "blocks of " + std::to_string(parts.block_size) + " and " + std::to_string(parts.nested_block_size),
        "64 and 256 are what bitsandbytes writes by default");
  Nf4Data data;
  data.elements = elements;
  data.codes = copy_as<std::uint8_t>(parts.codes);
  if (parts.nested_absmax.empty()) {
    data.absmax = copy_as<float>(parts.absmax);
  } else {
    data.absmax_codes = copy_as<std::uint8_t>(parts.absmax);
    data.nested_absmax = copy_as<float>(parts.nested_absmax);
    data.nested_map = copy_as<float>(parts.nested_quant_map);
    data.offset = parts.nested_offset;
  }
  return data;
}

void double_quantize(Nf4Data& data, std::optional<float> offset) {
  static const std::array<float, 255> thresholds = midpoints(signed_dynamic_map());
  data.offset = offset.value_or(mean_of(data.absmax));
  const auto blocks = static_cast<std::int64_t>(data.absmax.size());
  data.absmax_codes.resize(blocks);
  data.nested_map.assign(signed_dynamic_map().begin(), signed_dynamic_map().end());
  for (std::int64_t begin = 0; begin < blocks; begin += kNestedBlock) {
    const std::int64_t end = std::min(blocks, begin + kNestedBlock);
    float top = 0;
    for (std::int64_t i = begin; i < end; ++i) top = std::max(top, std::fabs(data.absmax[i] - data.offset));
    const float inverse = top > 0 ? 1.0f / top : 0.0f;
    for (std::int64_t i = begin; i < end; ++i)
      data.absmax_codes[i] = nearest(thresholds, (data.absmax[i] - data.offset) * inverse);
    data.nested_absmax.push_back(top);
  }
  data.absmax.clear();
  data.absmax.shrink_to_fit();
}

std::vector<float> absmax_of(const Nf4Data& data) {
  if (!data.nested()) return data.absmax;
  std::vector<float> absmax(data.absmax_codes.size());
  for (std::size_t i = 0; i < absmax.size(); ++i)
    absmax[i] = data.nested_map[data.absmax_codes[i]] * data.nested_absmax[i / kNestedBlock] + data.offset;
  return absmax;
}

}  // namespace hone::quant
