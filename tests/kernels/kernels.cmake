# One suite for the CUDA kernels, built twice: kernels_tests compiles the very .cu files as C++ for the emulated device in
# emulation/ and runs everywhere; cuda_device_tests, built where nvcc is, runs on a real one, or says that there is none.
file(GLOB kernel_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/core/*/*_cuda.cu")
set_source_files_properties(${kernel_sources} PROPERTIES LANGUAGE CXX)  # in this folder; nvcc's libraries are another's
add_library(kernels_emulated OBJECT ${kernel_sources} kernels/emulation/machine.cpp)
target_include_directories(kernels_emulated BEFORE PUBLIC kernels/emulation)
target_compile_options(kernels_emulated PRIVATE -Wno-unknown-pragmas)  # unroll
target_link_libraries(kernels_emulated PRIVATE hone_base)

hone_test(kernels LABEL unit DEPS kernels_emulated hone_core)
target_precompile_headers(kernels_tests PRIVATE <ATen/ATen.h> <gtest/gtest.h>)
target_compile_options(kernels_tests PRIVATE -Wno-missing-field-initializers)  # arguments are named field by field

get_target_property(suite kernels_tests SOURCES)
target_sources(kernels_tests PRIVATE kernels/emulation/machine_test.cpp)

if(HONE_HAS_CUDA)
  find_package(CUDAToolkit REQUIRED)
  add_executable(cuda_device_tests ${suite})
  target_compile_options(cuda_device_tests PRIVATE -Wno-missing-field-initializers)
  target_compile_definitions(cuda_device_tests PRIVATE
    HONE_GOLDEN_DIR="${HONE_TEST_GOLDEN}" HONE_REAL_DATA_DIR="${HONE_TEST_DATA}")
  target_link_libraries(cuda_device_tests PRIVATE hone_core CUDA::cudart_static GTest::gtest GTest::gmock GTest::gtest_main)
  target_precompile_headers(cuda_device_tests REUSE_FROM kernels_tests)
  add_test(NAME cuda.device COMMAND cuda_device_tests)
  set_tests_properties(cuda.device PROPERTIES LABELS unit SKIP_REGULAR_EXPRESSION "no CUDA device on this machine")
  add_test(NAME cuda.a_kernel_that_spills_does_not_compile
    COMMAND ${CMAKE_CUDA_COMPILER} -arch=sm_80 ${HONE_REFUSE_SPILLS} -cubin -o spills.cubin
      "${CMAKE_CURRENT_SOURCE_DIR}/kernels/spills.cu")
  set_tests_properties(cuda.a_kernel_that_spills_does_not_compile PROPERTIES LABELS unit
    PASS_REGULAR_EXPRESSION "[Rr]egisters are spilled to local memory")
endif()
