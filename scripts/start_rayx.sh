#!/bin/sh
# Starts a session as the reference spells it: start_rayx.sh --head --redis-port=6379
# It is `rayx start` of the Python that RAYX_PYTHON names, or that PATH finds.
exec "${RAYX_PYTHON:-python3}" -m rayx start "$@"
