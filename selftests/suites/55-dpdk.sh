#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Debian's DPDK, unmodified, drives the ioat device: dmadev_autotest with huge pages and
# all of DPDK's drivers, and with --no-huge and without DPDK's software device.

# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"
# shellcheck source=../consumers/dpdk/autotest.sh
. "$CONSUMERS/dpdk/autotest.sh"

check "the module and the helper start" vuser_up || finish
check "ioat device attaches" device_up ioat vuser-ioat -s || finish
dpdk_check ioat "huge pages" -m 256
DPDK_RUN=dpdk_alone dpdk_check ioat "--no-huge" --no-huge -m 64
check "the ioat device is removed" device_down ioat
tested "DPDK $(version_of dpdk)" vuser-ioat
finish
