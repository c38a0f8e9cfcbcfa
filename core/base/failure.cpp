#include "core/base/failure.h"

#include <algorithm>
#include <new>
#include <string_view>

namespace hone {
namespace {

Failure from(const Error& error) { return {error.exit(), error.what()}; }

Failure out_of_memory(std::string_view why) {
  return from(Error(Exit::memory, "OM001", "out of memory", "", why,
                    "lower train.micro_tokens, or use train.recompute = block or model.quantize = nf4"));
}

// Tensor libraries append a stack trace; the first line says what happened.
std::string_view first_line(std::string_view text) {
  constexpr std::size_t kLongest = 400;
  return text.substr(0, std::min(text.find('\n'), kLongest));
}

}  // namespace

Failure describe_failure(std::exception_ptr exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const Error& error) {
    return from(error);
  } catch (const std::bad_alloc&) {
    return out_of_memory("");
  } catch (const std::exception& other) {
    const std::string_view text = other.what();
    if (text.find("can't allocate memory") != text.npos || text.find("out of memory") != text.npos)
      return out_of_memory(first_line(text));
    return from(Error(Exit::internal, "IN001", "unexpected failure", "", first_line(text), "this is a bug in hone"));
  } catch (...) {
    return from(Error(Exit::internal, "IN001", "unexpected failure", "", "not an exception of the standard kind"));
  }
}

}  // namespace hone
