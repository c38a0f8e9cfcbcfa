# Third parties as imported targets. LibTorch gets targets of our own: the wheel's find_package(Torch) forces a
# list of GPU architectures that current nvcc refuses.
find_package(Threads REQUIRED)
find_package(MPI REQUIRED COMPONENTS C)
find_package(Boost REQUIRED COMPONENTS program_options)
find_package(nlohmann_json REQUIRED)
find_package(simdjson REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_search_module(HDF5 REQUIRED IMPORTED_TARGET hdf5-serial hdf5)

if(NOT EXISTS "${HONE_TORCH_ROOT}/include/ATen/ATen.h")
  message(FATAL_ERROR "LibTorch not found in ${HONE_TORCH_ROOT}: run scripts/setup.sh or set HONE_TORCH_ROOT")
endif()
set(TORCH_LIB "${HONE_TORCH_ROOT}/lib")
add_library(torch_headers INTERFACE)
# After the system's own folders: the wheel carries headers of other libraries (fmt) in other versions.
foreach(folder "${HONE_TORCH_ROOT}/include" "${HONE_TORCH_ROOT}/include/torch/csrc/api/include")
  target_compile_options(torch_headers INTERFACE
    "$<$<COMPILE_LANGUAGE:CXX>:-idirafter${folder}>" "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-idirafter${folder}>")
endforeach()
# Without it at::parallel_for runs on one thread, and says nothing.
target_compile_options(torch_headers INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-fopenmp>")
add_library(torch_cpu INTERFACE)
# LibTorch's own OpenMP runtime, so that there is one pool of threads.
target_link_libraries(torch_cpu INTERFACE torch_headers "${TORCH_LIB}/libtorch_cpu.so" "${TORCH_LIB}/libc10.so"
  "${TORCH_LIB}/libgomp.so.1")
target_link_options(torch_cpu INTERFACE "-Wl,-rpath,${TORCH_LIB}" "-Wl,--allow-shlib-undefined")
