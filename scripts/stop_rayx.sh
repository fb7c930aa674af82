#!/bin/sh
# Ends the sessions that this user has started on this machine: `rayx stop`, see start_rayx.sh.
exec "${RAYX_PYTHON:-python3}" -m rayx stop "$@"
