# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Functions for the benchmarks: the module, the helper, and ioat devices. A row is a
# line of JSON on standard output; all other output goes to standard error.

set -eu
: "${BUILD:?must be set to the build directory}"
BENCH=$BUILD/selftests/bench
export BENCH PATH=$BUILD/user/bin:$PATH
WORK=$(mktemp -d)
export WORK
PIDS=()

cleanup()
{
	local pid mdev

	for mdev in /sys/bus/mdev/devices/*; do
		[ -e "$mdev" ] && { vuserctl remove "${mdev##*/}" || :; }
	done
	for pid in "${PIDS[@]}"; do
		kill "$pid" 2> /dev/null && wait "$pid" 2> /dev/null || :
	done
	rm -rf "$WORK"
	rmmod vuser || :
}
trap cleanup EXIT

# row NAME VALUE UNIT
row()
{
	jq -cn --arg name "$1" --argjson value "$2" --arg unit "$3" \
		'{$name, $value, $unit, baseline: null, ratio: null,
		  limit: null}'
}

# row_against NAME VALUE UNIT BASELINE LIMIT
row_against()
{
	jq -cn --arg name "$1" --argjson value "$2" --arg unit "$3" \
		--argjson baseline "$4" --argjson limit "$5" \
		'{$name, $value, $unit, $baseline,
		  ratio: ($value / $baseline), $limit}'
}

# pairs_against NAME UNIT FLOOR: print a row for a value of which more is better; FLOOR is
# the smallest permitted ratio. The input is lines VALUE BASELINE, of two successive runs.
# The machine's speed changes from second to second, but is about the same for both runs of
# a pair, so the ratio of the row is the median of the ratios of the pairs. The true median
# lies between "low" and "high" with a confidence of 95 % (from the binomial distribution).
pairs_against()
{
	jq -Rcn --arg name "$1" --arg unit "$2" --argjson floor "$3" '
		def median: sort | (.[(length - 1) / 2 | floor] + .[length / 2 | floor]) / 2;
		[inputs | split(" ") | map(tonumber)] |
		(map(.[0] / .[1]) | sort) as $ratios | length as $n |
		((($n - 1.96 * ($n | sqrt)) / 2 | floor) - 1) as $k |
		if $k < 0 then error("\($n) pairs are too few, at least 8 are needed") else . end |
		{$name, value: (map(.[0]) | median), $unit,
		 baseline: (map(.[1]) | median), ratio: ($ratios | median),
		 low: $ratios[$k], high: $ratios[$n - 1 - $k], limit: null, $floor}'
}

# median NUMBER...: print the median of an odd count of numbers
median()
{
	printf '%s\n' "$@" | sort -g | sed -n "$((($# + 1) / 2))p"
}

# start COMMAND...: run COMMAND in the background until the benchmark ends
start()
{
	"$@" >&2 &
	PIDS+=($!)
	# shellcheck disable=SC2034 # used by callers
	LAST_PID=$!
}

# serve SOCKET: start an ioat device in the background, and return when it listens
serve()
{
	local said fd

	mkfifo "$1.log"
	vuser-ioat -v -s "$1" 2> "$1.log" &
	PIDS+=($!)
	exec {fd}< "$1.log"
	read -r -t 60 said <&"$fd" || said=nothing
	case $said in
	*listening*) ;;
	*)
		echo "vuser-ioat does not listen: $said" >&2
		return 1
		;;
	esac
}

load_module()
{
	modprobe -a vfio mdev vfio_iommu_type1
	[ -d /sys/module/vuser ] || insmod "$BUILD/module/kmod/vuser.ko"
}
