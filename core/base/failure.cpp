#include "core/base/failure.h"

#include <algorithm>
#include <new>
#include <string_view>

namespace hone {
namespace {

Error out_of_memory(std::string_view why) {
  return {Exit::memory,
          "OM001",
          "out of memory",
          "",
          why,
          "lower train.micro_tokens, or use train.recompute = block or model.quantize = nf4"};
}

Error internal(std::string_view why) {
  return {Exit::internal, "IN002", "unexpected failure", "", why, "this is a bug in hone"};
}

// Tensor libraries append a stack trace; the first line says what happened.
std::string_view first_line(std::string_view text) {
  constexpr std::size_t kLongest = 400;
  return text.substr(0, std::min(text.find('\n'), kLongest));
}

}  // namespace

Error as_error(std::exception_ptr exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return out_of_memory("");
  } catch (const std::exception& other) {
    const std::string_view text = other.what();
    const bool memory =
        text.find("can't allocate memory") != text.npos || text.find("out of memory") != text.npos;
    return memory ? out_of_memory(first_line(text)) : internal(first_line(text));
  } catch (...) {
    return internal("an exception that is none of the standard library's");
  }
}

}  // namespace hone
