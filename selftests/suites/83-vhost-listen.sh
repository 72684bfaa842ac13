#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Two of Debian's dpdk-testpmd: one is the driver (net_virtio, on a vuser device), the other
# is the back end (net_vhost with client=1), which connects to vuser-vhost.

# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

check "the module and the helper start" vuser_up || finish
"$CONSUMERS/vhost/net.py" "$WORK" client > "$WORK/net.tap" 2>&1
DIAG_LINES=120 retap "net:" "$WORK/net.tap"
tested "DPDK net_virtio $(version_of dpdk)" "DPDK net_vhost (client=1) $(version_of dpdk)"
finish
