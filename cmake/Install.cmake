# cmake --install: the program, its manual pages, its completions and the example configurations. The program finds
# LibTorch where it was built against (HONE_TORCH_ROOT); pages and completions are what it prints about itself.
include(GNUInstallDirs)
set_target_properties(hone PROPERTIES INSTALL_RPATH "${TORCH_LIB}")
install(TARGETS hone RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(DIRECTORY "${CMAKE_SOURCE_DIR}/configs" DESTINATION "${CMAKE_INSTALL_DATADIR}/hone")
install(CODE "
  set(hone \"$<TARGET_FILE:hone>\")
  set(share \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}\")
  execute_process(COMMAND \"\${hone}\" man --output \"\${share}/man/man1\" COMMAND_ERROR_IS_FATAL ANY)
  foreach(file bash-completion/completions/hone zsh/site-functions/_hone fish/vendor_completions.d/hone.fish)
    string(REGEX MATCH \"^[a-z]+\" shell \"\${file}\")
    get_filename_component(folder \"\${share}/\${file}\" DIRECTORY)
    file(MAKE_DIRECTORY \"\${folder}\")
    message(STATUS \"Installing: \${share}/\${file}\")
    execute_process(COMMAND \"\${hone}\" completion \${shell} OUTPUT_FILE \"\${share}/\${file}\" COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
")
