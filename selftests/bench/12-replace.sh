#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# How long a consumer waits while its server is replaced.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

load_module
start vuserd --foreground
serve "$WORK/one.sock"
serve "$WORK/other.sock"
uuid=$(vuserctl create --endpoint "$WORK/one.sock" --wait)
"$BENCH/replace_bench" "$uuid" "$WORK/one.sock" "$WORK/other.sock"
