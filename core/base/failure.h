#pragma once
// Any exception as the Error (one line, one exit code) that a failed run ends with.
#include <exception>

#include "core/base/error.h"

namespace hone {

// An Error as it is; std::bad_alloc and a tensor library's "can't allocate memory" exit 7; anything else exit
// 1, cut to one line.
Error as_error(std::exception_ptr exception);

}  // namespace hone
