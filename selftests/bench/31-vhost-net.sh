#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Packets between two of Debian's dpdk-testpmd, then between dpdk-testpmd and l3fwd-power
# with receive interrupts: net_virtio on a vuser device, compared with virtio-user, which
# connects to the same back end directly.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

load_module
# DPDK requires that vfio-pci is loaded.
modprobe vfio-pci
start vuserd --foreground
"$(dirname "$0")/vhost_net.py" "$WORK" "$BUILD/dpdk/l3fwd-power/build/l3fwd-power"
