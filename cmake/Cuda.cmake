# CUDA sources are found and compiled where nvcc is (HONE_CUDA=AUTO), always (ON) or never (OFF). They need the
# toolkit alone: the CUDA runtime is linked statically, and a machine without a driver reports no devices.
# Sets HONE_HAS_CUDA. A file `x.cu` has an `x_absent.cpp` beside it that takes its place in a build without CUDA.
set_property(CACHE HONE_CUDA PROPERTY STRINGS AUTO ON OFF)
set(HONE_HAS_CUDA OFF)
if(NOT HONE_CUDA STREQUAL "OFF")
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80-real 90-real 90-virtual)  # and PTX for newer ones
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
    enable_language(CUDA)
    if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know that nvcc has C++20
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
      set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
    endif()
    set(HONE_HAS_CUDA ON)
  elseif(HONE_CUDA STREQUAL "ON")
    message(FATAL_ERROR "HONE_CUDA=ON, but no working nvcc was found: put it on PATH or set CUDACXX")
  endif()
endif()
message(STATUS "CUDA sources: ${HONE_HAS_CUDA}")

# A kernel that spills registers or needs a stack does not compile.
set(HONE_REFUSE_SPILLS -Xptxas=--warn-on-spills,--warn-on-local-memory-usage,--warning-as-error)

# hone_cuda_layer(name FOLDERS a b ... DEPS x y ...): every .cu in the folders, or every _absent.cpp without CUDA.
function(hone_cuda_layer name)
  cmake_parse_arguments(ARG "" "" "FOLDERS;DEPS" ${ARGN})
  set(pattern "*_absent.cpp")
  if(HONE_HAS_CUDA)
    set(pattern "*.cu")
  endif()
  set(sources "")
  foreach(folder ${ARG_FOLDERS})
    file(GLOB found CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/${folder}/${pattern}")
    list(APPEND sources ${found})
  endforeach()
  add_library(${name} STATIC ${sources})
  if(HONE_HAS_CUDA)
    target_compile_options(${name} PRIVATE ${HONE_REFUSE_SPILLS})
  endif()
  target_include_directories(${name} PUBLIC "${CMAKE_SOURCE_DIR}")
  target_link_libraries(${name} PUBLIC ${ARG_DEPS})
endfunction()
