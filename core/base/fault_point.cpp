#include "core/base/fault_point.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <string>

#include "core/base/error.h"

namespace hone {
namespace {

// What was asked for. Written before `fault_point_armed`, then only read.
struct Fault {
  std::size_t point = 0;
  std::string text;
  std::int64_t pass = 1;
  int signal = SIGKILL;
};
Fault fault;
std::atomic<std::int64_t> passes = 0;

[[noreturn]] void refuse(std::string_view why) {
  std::string known;
  for (const std::string_view name : kFaultPoints) known.append(known.empty() ? "" : " ").append(name);
  throw Error(Exit::usage, "US060", "not a fault point", "HONE_FAIL_AT", why,
              "POINT[@TEXT][:RANK|all[:PASS[:kill|stop]]]; points: " + known);
}

std::int64_t number(std::string_view text, std::int64_t least) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least) refuse(text);
  return value;
}

// The text up to the separator, which is taken off with it.
std::string_view take(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

}  // namespace

std::atomic<bool> detail::fault_point_armed = false;

void arm_fault_point(std::string_view setting, int rank) {
  std::string_view rest = setting, place = take(rest, ':');
  const std::string_view victim = take(rest, ':'), pass = take(rest, ':'), action = take(rest, ':');
  const std::string_view name = take(place, '@');
  const auto* const point = std::find(kFaultPoints.begin(), kFaultPoints.end(), name);
  if (point == kFaultPoints.end()) refuse(name);
  const bool mine = victim.empty() || victim == "all" || number(victim, 0) == rank;
  if (!rest.empty() || !(action.empty() || action == "kill" || action == "stop")) refuse(setting);
  fault = {static_cast<std::size_t>(point - kFaultPoints.begin()), std::string(place),
           pass.empty() ? 1 : number(pass, 1), action == "stop" ? SIGSTOP : SIGKILL};
  passes = 0;
  detail::fault_point_armed = mine;
}

void detail::pass_fault_point(FaultPoint point, std::string_view path) {
  if (point.index() != fault.point || path.find(fault.text) == path.npos) return;
  if (++passes == fault.pass) ::kill(::getpid(), fault.signal);
}

}  // namespace hone
