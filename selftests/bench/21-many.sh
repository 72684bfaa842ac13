#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# How long it takes to attach one more device while many devices are attached.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

DEVICES=${VUSER_DEVICES:-1024}
SAMPLES=100

# The servers and vuserd need several descriptors for each device.
ulimit -n 65536
load_module
start vuserd --foreground
mkfifo "$WORK/log"
"$BENCH/many_servers" "$WORK" "$DEVICES" > "$WORK/log" &
PIDS+=($!)
read -r -t 60 said < "$WORK/log" || said=nothing
[ "$said" = listening ]

times=()
for i in $(seq 0 $((DEVICES - 1))); do
	begin=$(date +%s%N)
	vuserctl create --endpoint "$WORK/$i" --wait > /dev/null
	times+=($(($(date +%s%N) - begin)))
done

# middle FIRST: print the median of SAMPLES times, in ms
middle()
{
	printf '%s\n' "${times[@]:$1:SAMPLES}" | sort -n |
		sed -n "$((SAMPLES / 2))p" | awk '{ print $1 / 1e6 }'
}

row_against "attach of the last $SAMPLES of $DEVICES devices : of the first" \
	"$(middle $((DEVICES - SAMPLES)))" ms "$(middle 0)" 1.2
