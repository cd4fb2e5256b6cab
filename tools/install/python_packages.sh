#!/bin/sh
# Installs Python packages into the project's environment, with a dot for each step of progress.
# Arguments: what to give to `pip install`. Where pip fails, its last words are printed.
set -u

python=.venv/bin/python
log=$(mktemp)
trap 'rm -f "$log" "$log.status"' EXIT
{
    "$python" -m pip install --disable-pip-version-check --progress-bar off "$@" 2>&1
    echo $? >"$log.status"
} | tee "$log" | awk '/^(Collecting|Obtaining|Installing|Requirement|  Downloading)/ { printf "."; fflush() } END { print "" }'
status=$(cat "$log.status")
[ "$status" = 0 ] || tail -n 15 "$log" >&2
exit "$status"
