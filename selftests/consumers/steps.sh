# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions of all demos: steps, results and the end of the summary. The including script
# has set DEMO, the name of the demo.

passed=()
failed=()

step()
{
	printf '\n%s\n' "$*"
}

die()
{
	echo "$DEMO: $*" >&2
	exit 1
}

# result STATUS TEXT: record what passed or failed.
result()
{
	if [ "$1" = 0 ]; then
		passed+=("$2")
	else
		failed+=("$2")
	fi
}

# Print all results. The status is 0 if everything passed.
results()
{
	local line

	for line in "${passed[@]}"; do
		echo " passed: $line"
	done
	for line in "${failed[@]}"; do
		echo " FAILED: $line"
	done
	[ ${#failed[@]} = 0 ]
}
