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

# rate_against NAME VALUE UNIT BASELINE FLOOR: of which more is better; FLOOR is how
# small the ratio may be.
rate_against()
{
	jq -cn --arg name "$1" --argjson value "$2" --arg unit "$3" \
		--argjson baseline "$4" --argjson floor "$5" \
		'{$name, $value, $unit, $baseline,
		  ratio: ($value / $baseline), limit: null, $floor}'
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
	# shellcheck disable=SC2034 # for who starts it
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
