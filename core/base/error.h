#pragma once
// The one error type. Thrown with context wherever something goes wrong, caught once in main, printed as
//   error[CODE]: what: where: why; hint
// CODE is two letters for the area and a number (ST003); the exit code says what kind of failure it was.
#include <stdexcept>
#include <string>
#include <string_view>

namespace hone {

enum class Exit : int {
  done = 0,
  internal = 1,
  usage = 2,       // command line or config file
  input = 3,       // a model, data or adapter file
  checkpoint = 4,  // a checkpoint of ours
  peer = 5,        // a rank that hung, or a time-out
  not_finite = 6,
  memory = 7,
  output = 8,   // something could not be written
  stopped = 75  // stopped on request, saved; run the same command again
};

class Error : public std::runtime_error {
 public:
  // `where` names the file (file:line for JSON Lines), option or tensor. Newlines in any part are replaced,
  // `where` and `why` cut after 2,000 bytes.
  Error(Exit exit, std::string_view code, std::string_view what, std::string_view where, std::string_view why,
        std::string_view hint = {});
  Exit exit() const noexcept { return exit_; }
  const std::string& code() const noexcept { return code_; }

 private:
  Exit exit_;
  std::string code_;
};

// Internal invariant (a bug of ours, exit 1): throws Error IN000 naming the place.
[[noreturn]] void fail_invariant(const char* condition, const char* file, int line);

}  // namespace hone

#define HONE_CHECK(condition)                                                 \
  do {                                                                        \
    if (!(condition)) ::hone::fail_invariant(#condition, __FILE__, __LINE__); \
  } while (false)
