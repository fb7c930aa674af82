# The compiled doorway: Cython modules, one for each noun, in one library with the rooms that they open
# to Python. The Cython of the build environment makes C++ of them. Generated code is not held to our
# warnings.
#
#   rayx_cython_library(<name> PACKAGE python/rayx/_raylet DEPS client DESTINATION rayx)
#
# makes <name>_library.<abi>.so of all .pyx files of the package, whose __init__.py loads them from it:
# Python looks for a function of a module's own name, PyInit_ids, wherever it is told to look. SELDOM are
# modules that are optimised less, as sources of a room.

include_guard(GLOBAL)

function(rayx_cython_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "PACKAGE;DESTINATION" "DEPS;SELDOM")
  rayx_check_arguments("rayx_cython_library(${name})" "${arg_UNPARSED_ARGUMENTS}")
  find_package(Python 3.11 REQUIRED COMPONENTS Interpreter Development.Module)
  execute_process(COMMAND "${Python_EXECUTABLE}" -c "import Cython; print(Cython.__version__)"
    OUTPUT_VARIABLE cython_version OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT cython_version VERSION_GREATER_EQUAL 3)
    message(FATAL_ERROR "${Python_EXECUTABLE} has no Cython 3 (found: '${cython_version}').\n"
      "Run 'make build', or install it: pip install 'cython>=3'. For a build without the Python module, "
      "configure with -DRAYX_BUILD_PYTHON=OFF.")
  endif()

  set(package "${PROJECT_SOURCE_DIR}/${arg_PACKAGE}")
  file(GLOB sources CONFIGURE_DEPENDS "${package}/*.pyx")
  file(GLOB_RECURSE declarations CONFIGURE_DEPENDS "${package}/*.pxd")
  set(generated "")
  file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/cython/${name}")
  foreach(source IN LISTS sources)
    get_filename_component(module "${source}" NAME_WE)
    list(APPEND generated "${PROJECT_BINARY_DIR}/cython/${name}/${module}.cc")
  endforeach()
  set(script "${PROJECT_SOURCE_DIR}/cmake/cythonize.py")
  add_custom_command(OUTPUT ${generated}
    COMMAND "${Python_EXECUTABLE}" "${script}" "${PROJECT_BINARY_DIR}/cython/${name}"
            "${PROJECT_SOURCE_DIR}/python" ${sources} ${declarations}
    DEPENDS "${script}" ${sources} ${declarations}
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}/python"
    COMMENT "cython ${arg_PACKAGE}"
    VERBATIM)

  foreach(module IN LISTS arg_SELDOM)
    set_source_files_properties("${PROJECT_BINARY_DIR}/cython/${name}/${module}.cc" PROPERTIES
      COMPILE_OPTIONS "$<$<NOT:$<OR:$<CONFIG:Debug>,$<BOOL:${RAYX_SANITIZE}>>>:-O1>")
  endforeach()
  python_add_library(${name} MODULE WITH_SOABI ${generated})
  rayx_resolve_deps(deps ${arg_DEPS})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/cpp")
  target_link_libraries(${name} PRIVATE rayx_flags ${deps})
  # The library exports the modules' init functions and nothing of the libraries inside it.
  target_link_options(${name} PRIVATE -Wl,--exclude-libs,ALL)
  if(NOT RAYX_SANITIZE)
    # As the daemons: it runs where no C++ library is installed.
    target_link_options(${name} PRIVATE -static-libstdc++ -static-libgcc)
  endif()
  rayx_precompile_headers(${name})
  set_target_properties(${name} PROPERTIES
    OUTPUT_NAME ${name}_library LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/python")
  add_dependencies(product ${name})
  install(TARGETS ${name} LIBRARY DESTINATION "${arg_DESTINATION}")
endfunction()
