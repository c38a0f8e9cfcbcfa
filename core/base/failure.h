#pragma once
// Any exception as the one line and the exit code that a failed run ends with.
#include <exception>
#include <string>

#include "core/base/error.h"

namespace hone {

struct Failure {
  Exit exit = Exit::internal;
  std::string line;  // error[CODE]: ...
};

// An Error as it is; std::bad_alloc and a tensor library's "can't allocate memory" exit 7; anything else exit 1,
// cut to one line.
Failure describe_failure(std::exception_ptr exception);

}  // namespace hone
