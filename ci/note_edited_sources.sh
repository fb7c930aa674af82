#!/usr/bin/env bash
# Adds the C++ sources that have changes which are not committed to a list: cmake/rayx.cmake compiles
# those by themselves. They stay in it, so that a commit makes nothing be compiled again.
#
#   ci/note_edited_sources.sh build/editable/edited_sources.txt

set -euo pipefail

list=$1
# Sources that were unpacked from an archive have no history, and are compiled together.
edited=$(git diff --name-only --diff-filter=M HEAD -- 'cpp/*.cc' 2>/dev/null || true)
[[ -e "$list" ]] || : >"$list"
all=$(printf '%s\n' "$edited" | sort -u - "$list" | sed '/^$/d')
# Written only if there is something new, since that configures the build again.
if [[ "$all" != "$(cat "$list")" ]]; then printf '%s\n' "$all" >"$list"; fi
