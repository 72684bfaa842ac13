#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# labs: 6.1 7.2 debug
# cpus: 2
# timeout: 900
# hugepages: 128
#
# Debian's dpdk-testpmd as driver (net_virtio, on a vuser device) and as back-end
# (net_vhost), vuser-vhost between them.

# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

check "the module and the helper start" vuser_up || finish
"$CONSUMERS/vhost/net.py" "$WORK" > "$WORK/net.tap" 2>&1
DIAG_LINES=120 retap "net:" "$WORK/net.tap"
finish
