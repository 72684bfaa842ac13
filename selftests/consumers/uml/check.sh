# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions for scripts that run in User-Mode Linux (lab/vm/uml) and print TAP. A script
# sources this file and ends with `finish`.

set -u

SOON=180 # seconds for an event that is expected at once; TCG is slow
tests=0
failures=0

# check NAME COMMAND...: one test, which passes if COMMAND succeeds.
check()
{
	local name=$1 out status

	shift
	tests=$((tests + 1))
	out=$("$@" 2>&1)
	status=$?
	if [ $status = 0 ]; then
		echo "ok $tests - $name"
		return
	fi
	failures=$((failures + 1))
	echo "not ok $tests - $name"
	printf '%s\n' "$out" "exit status $status of: $*" | sed 's/^/# /'
	return 1
}

# soon COMMAND...: repeat COMMAND until it succeeds.
soon()
{
	local end=$((SECONDS + SOON))

	until "$@"; do
		[ $SECONDS -lt $end ] || return
		sleep 0.1
	done
}

# driver_of FILE: print the name of the driver of a device in /sys.
driver_of()
{
	basename "$(readlink -f "$1/driver")"
}

# interrupts PATTERN: whether a line of /proc/interrupts that matches has counted one.
interrupts()
{
	grep -E "$1" /proc/interrupts | grep -E '^ *[0-9]+: +[1-9]'
}

# drop_caches: drop what was read from disks and file systems, so that it is read again.
drop_caches()
{
	sync && echo 3 > /proc/sys/vm/drop_caches
}

finish()
{
	echo "1..$tests"
	exit $((failures > 0))
}
