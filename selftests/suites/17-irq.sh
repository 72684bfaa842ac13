#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# cpus: 2
# timeout: 120
#
# SET_IRQS and the interrupts.

. "$(dirname "$0")/../lib.sh"

run irq_test
