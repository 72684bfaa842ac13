#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# How long a register read takes while 64 other servers send DMA commands without end,
# and whether the kernel reports a thread that hangs.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

load_module
ulimit -n 65536
lines=$(dmesg | wc -l)
"$BENCH/flood_bench"
if dmesg | tail -n "+$((lines + 1))" | grep -E "blocked for more|soft lockup|stall" >&2; then
	echo "the kernel reports a thread that hangs" >&2
	exit 1
fi
