#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Debian's dpdk-testpmd, and l3fwd-power of the same DPDK, drive network cards of QEMU's
# vfio-user server, which has no virtual machine around them.

# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

check "the module and the helper start" vuser_up || finish
"$CONSUMERS/qemu-server/net.py" "$WORK" > "$WORK/net.tap" 2>&1
DIAG_LINES=120 retap "net:" "$WORK/net.tap"
for model in e1000 e1000e igb; do
	tested "DPDK $(version_of dpdk)" "QEMU $model $(version_of qemu-system-x86)"
done
finish
