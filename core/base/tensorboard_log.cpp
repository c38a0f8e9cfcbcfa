#include "core/base/tensorboard_log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cstring>

#include "core/base/file_system.h"

namespace hone {
namespace {

static_assert(std::endian::native == std::endian::little, "records are little-endian");

template <class Number>
std::string raw(Number value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

// Protocol buffers' wire format: a field is its number and kind, then the value.
std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}
std::string tag(int field, int kind) { return varint(static_cast<std::uint64_t>(field) << 3 | kind); }
std::string integer_field(int field, std::int64_t value) {
  return tag(field, 0) + varint(static_cast<std::uint64_t>(value));
}
std::string double_field(int field, double value) { return tag(field, 1) + raw(value); }
std::string bytes_field(int field, std::string_view bytes) {
  return tag(field, 2) + varint(bytes.size()) + std::string(bytes);
}
std::string float_field(int field, float value) { return tag(field, 5) + raw(value); }

// message Event { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5;
//                 SessionLog session_log = 7; }, a step of 0 left out as protobuf does
std::string event(double wall_time, std::int64_t step, const std::string& what) {
  return double_field(1, wall_time) + (step == 0 ? "" : integer_field(2, step)) + what;
}

// message Summary { repeated Value value = 1; message Value { string tag = 1; float simple_value = 2; } }
std::string scalar(const std::string& name, double value) {
  return bytes_field(1, bytes_field(1, name) + float_field(2, static_cast<float>(value)));
}

std::uint32_t masked(std::uint32_t checksum) { return std::rotr(checksum, 15) + 0xa282ead8u; }

constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit)
      rest = rest >> 1 ^ (rest & 1 ? 0x82f63b78u : 0);  // Castagnoli, reflected
    table[byte] = rest;
  }
  return table;
}();

std::string new_file_in(const std::string& folder, double now) {
  make_directories(folder);
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return fmt::format("{}/events.out.tfevents.{:010}.{}.{}.0", folder, static_cast<std::int64_t>(now),
                     host.data(), ::getpid());
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t rest = ~0u;
  for (const char byte : bytes)
    rest = rest >> 8 ^ kCrcTable[(rest ^ static_cast<unsigned char>(byte)) & 0xff];
  return ~rest;
}

TensorBoardLog::TensorBoardLog(const std::string& folder, std::int64_t first_step, Clock now)
    : now_(std::move(now)), file_(new_file_in(folder, now_()), AppendFile::Open::empty) {
  constexpr std::int64_t kStart = 1;  // SessionLog { SessionStatus status = 1; }
  record(event(now_(), 0, bytes_field(3, "brain.Event:2")));
  record(event(now_(), first_step, bytes_field(7, integer_field(1, kStart))));
}

void TensorBoardLog::write(const OrderedJson& row) {
  std::string summary;
  for (const auto& [name, value] : row.items())
    if (value.is_number() && name != "step")
      summary += scalar(
          fmt::format("{}/{}", row.at("kind").get<std::string>(), name == "lr" ? "learning_rate" : name),
          value.get<double>());
  record(event(now_(), row.at("step").get<std::int64_t>(), bytes_field(5, summary)));
}

void TensorBoardLog::record(const std::string& event) {
  const std::string length = raw(static_cast<std::uint64_t>(event.size()));
  file_.write(length + raw(masked(crc32c(length))) + event + raw(masked(crc32c(event))));
}

}  // namespace hone
