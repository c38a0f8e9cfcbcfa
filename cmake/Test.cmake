# hone_rank_test(name TARGET executable RANKS 2 3 [ARGS ...] [TIMEOUT 120] [EXIT code] [MATCH regex])
# Runs an executable under mpirun, once for each number of ranks, as test ranks.<name>.<n>. With EXIT, the launcher
# must end with that code, printing exactly one line that begins "error[" and matches MATCH.
function(hone_rank_test name)
  cmake_parse_arguments(ARG "" "TARGET;TIMEOUT;EXIT;MATCH" "RANKS;ARGS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  set(expect "")
  if(DEFINED ARG_EXIT)
    set(expect "${CMAKE_SOURCE_DIR}/tests/dist/expect_failure.sh" ${ARG_EXIT} "${ARG_MATCH}")
  endif()
  foreach(ranks ${ARG_RANKS})
    set(test "ranks.${name}.${ranks}")
    add_test(NAME ${test} COMMAND ${expect} ${MPIEXEC_EXECUTABLE} --oversubscribe -n ${ranks}
      $<TARGET_FILE:${ARG_TARGET}> ${ARG_ARGS})
    set_tests_properties(${test} PROPERTIES LABELS ranks TIMEOUT ${ARG_TIMEOUT} PROCESSORS ${ranks}
      ENVIRONMENT "OMPI_ALLOW_RUN_AS_ROOT=1;OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1")
  endforeach()
endfunction()
