# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the benchmarks share: the module, the helper, and ioat devices. A row is
# a line of JSON on standard output, all else goes to standard error.

set -eu
: "${BUILD:?is to be the directory of what was built}"
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

# pairs_against NAME UNIT FLOOR: of which more is better; FLOOR is how small the ratio may
# be. The input is lines VALUE BASELINE, of two runs right after each other: the machine's
# speed changes from second to second, for both of a pair alike, so the ratio is the median
# of the pairs' own. Of more and more such pairs it would come to lie between "low" and
# "high" (at 95 %, by how many of so many values are below their median).
pairs_against()
{
	jq -Rcn --arg name "$1" --arg unit "$2" --argjson floor "$3" '
		def median: sort | (.[(length - 1) / 2 | floor] + .[length / 2 | floor]) / 2;
		[inputs | split(" ") | map(tonumber)] |
		(map(.[0] / .[1]) | sort) as $ratios | length as $n |
		((($n - 1.96 * ($n | sqrt)) / 2 | floor) - 1) as $k |
		if $k < 0 then error("\($n) pairs are too few, 8 it takes") else . end |
		{$name, value: (map(.[0]) | median), $unit,
		 baseline: (map(.[1]) | median), ratio: ($ratios | median),
		 low: $ratios[$k], high: $ratios[$n - 1 - $k], limit: null, $floor}'
}

# median NUMBER...: of an odd count of them
median()
{
	printf '%s\n' "$@" | sort -g | sed -n "$((($# + 1) / 2))p"
}

# start COMMAND...: in the background until the end
start()
{
	"$@" >&2 &
	PIDS+=($!)
	# shellcheck disable=SC2034 # used by callers
	LAST_PID=$!
}

# serve SOCKET: an ioat device in the background; returns when it listens
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
