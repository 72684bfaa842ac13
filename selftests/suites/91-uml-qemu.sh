#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Linux's own nvme and e1000e drivers, in User-Mode Linux, use models of QEMU's vfio-user
# server.

# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

check "the module and the helper start" vuser_up || finish
"$CONSUMERS/uml/qemu.py" "$WORK" > "$WORK/qemu.tap" 2>&1
DIAG_LINES=120 retap "QEMU:" "$WORK/qemu.tap"
for model in nvme e1000e; do
	tested "Linux $model $(uml_version)" "QEMU $model $(version_of qemu-system-x86)"
done
finish
