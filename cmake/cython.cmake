# The Cython module: compiled to C++ by the Cython of the build environment, linked with the rooms
# it opens to Python. Generated code is not held to our warnings.

include_guard(GLOBAL)

function(rayx_cython_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "SOURCE;INCLUDES;DESTINATION" "DEPS")
  file(GLOB source CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${arg_SOURCE}")
  if(NOT source)
    message(STATUS "${name}: no ${arg_SOURCE} yet, skipped")
    return()
  endif()

  find_package(Python 3.11 REQUIRED COMPONENTS Interpreter Development.Module)
  execute_process(COMMAND "${Python_EXECUTABLE}" -c "import Cython; print(Cython.__version__)"
    OUTPUT_VARIABLE cython_version OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT cython_version VERSION_GREATER_EQUAL 3)
    message(FATAL_ERROR "${Python_EXECUTABLE} has no Cython 3 (found: '${cython_version}').\n"
      "Run 'make build', or install it: pip install 'cython>=3'. For a build without the Python module, "
      "configure with -DRAYX_BUILD_PYTHON=OFF.")
  endif()

  file(GLOB declarations CONFIGURE_DEPENDS
    "${PROJECT_SOURCE_DIR}/${arg_INCLUDES}/*.pxd" "${PROJECT_SOURCE_DIR}/${arg_INCLUDES}/*.pxi")
  get_filename_component(source_directory "${source}" DIRECTORY)
  set(generated "${PROJECT_BINARY_DIR}/cython/${name}.cc")
  file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/cython")
  add_custom_command(OUTPUT "${generated}"
    COMMAND "${Python_EXECUTABLE}" -m cython --cplus -3 -Wextra -I "${PROJECT_SOURCE_DIR}/python"
            -I "${PROJECT_SOURCE_DIR}/${arg_INCLUDES}" -o "${generated}" "${source}"
    DEPENDS "${source}" ${declarations}
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}/python"
    COMMENT "cython ${arg_SOURCE}"
    VERBATIM)

  python_add_library(${name} MODULE WITH_SOABI "${generated}")
  rayx_resolve_deps(deps ${arg_DEPS})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/cpp")
  target_link_libraries(${name} PRIVATE rayx_flags ${deps})
  # The module exports its init function and nothing of the libraries inside it.
  target_link_options(${name} PRIVATE -Wl,--exclude-libs,ALL)
  if(NOT RAYX_SANITIZE)
    # As the daemons: it runs where no C++ library is installed.
    target_link_options(${name} PRIVATE -static-libstdc++ -static-libgcc)
  endif()
  set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/python")
  add_dependencies(product ${name})
  install(TARGETS ${name} LIBRARY DESTINATION "${arg_DESTINATION}")
endfunction()
