#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# QEMU's nvme and edu, served by QEMU's vfio-user server. Debian's qemu-io and qemu-img drive
# nvme; a test program drives edu through /dev/vfio. vuserctl starts and ends such servers, too.

# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

check "the module and the helper start" vuser_up || finish
"$CONSUMERS/qemu-server/models.py" nvme "$WORK" > "$WORK/nvme.tap" 2>&1
DIAG_LINES=120 retap "nvme:" "$WORK/nvme.tap"
"$CONSUMERS/qemu-server/models.py" create "$WORK" > "$WORK/create.tap" 2>&1
retap "create:" "$WORK/create.tap"
"$CONSUMERS/qemu-server/models.py" edu "$WORK" "$PROGS/edu_test" "$PROGS/outlive_test" \
	> "$WORK/steps.tap" 2>&1
retap "edu:" "$WORK/edu.tap"
retap "edu:" "$WORK/outlive.tap"
retap "edu:" "$WORK/steps.tap"
tested "QEMU nvme:// $(version_of qemu-utils)" "QEMU nvme $(version_of qemu-system-x86)"
tested "vuser's tests" "QEMU edu $(version_of qemu-system-x86)"
finish
