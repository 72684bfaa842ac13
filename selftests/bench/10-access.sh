#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Register accesses, events, interrupts, DMA maps, and copies by the ioat device.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

load_module
"$BENCH/memory_bench"
"$BENCH/island_bench"

start vuserd --foreground
serve "$WORK/ioat.sock"
serve "$WORK/direct.sock"
uuid=$(vuserctl create --endpoint "$WORK/ioat.sock" --wait)
"$BENCH/access_bench" "$uuid" "$WORK/direct.sock"

# Sample in turn, so that both see the same state of the machine.
values=() baselines=()
for _ in 1 2 3 4 5 6 7; do
	values+=("$("$BENCH/ioat_bench" "$uuid")")
	baselines+=("$(vuser-ioat --copy-baseline 24576 | tr -dc 0-9.)")
done
row_against "ioat copy of 64 KiB : copy between two mappings" \
	"$(median "${values[@]}")" ns "$(median "${baselines[@]}")" 1.2
