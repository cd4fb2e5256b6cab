#!/bin/sh
# Installs the system packages that OpenPrepay needs and this machine lacks, by apt, as root or
# with sudo. Argument: "run" (only what starting the system needs) or "test" (also what the
# tests run against). Names what it installs; where it cannot, says so and goes on, so that
# whatever needs the missing part can say it better.
set -u

wanted=""
need() { # program package
    command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || wanted="$wanted $2"
}

python="${PYTHON:-python3}"
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    need python3.11 "python3"
fi
"$python" -c 'import venv, ensurepip' 2>/dev/null || wanted="$wanted python3-venv"
if [ "${1:-run}" = test ]; then
    need mosquitto mosquitto
    need chromium chromium
    need curl curl
    # What drives Chromium in page tests is linked against it.
    /sbin/ldconfig -p | grep -q libatomic.so.1 || wanted="$wanted libatomic1"
    need softhsm2-util softhsm2
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || wanted="$wanted postgresql"
fi

[ -n "$wanted" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    echo "Please install:$wanted (this machine has no apt-get)." >&2
    exit 0
fi
as_root=""
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "Please install as root: apt-get install$wanted" >&2
        exit 0
    fi
    as_root=sudo
fi
echo "Installing system packages:$wanted"
log=$(mktemp)
{
    $as_root env DEBIAN_FRONTEND=noninteractive sh -c \
        "apt-get update -q && apt-get install -y -q --no-install-recommends $wanted" 2>&1
    echo $? >"$log.status"
} | tee "$log" | awk '/^(Get|Hit|Unpacking|Setting up)/ { printf "."; fflush() } END { print "" }'
if [ "$(cat "$log.status")" != 0 ]; then
    echo "apt could not install:$wanted. Its last words:" >&2
    tail -n 5 "$log" >&2
fi
rm -f "$log" "$log.status"
exit 0
