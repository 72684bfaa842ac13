#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# cpus: 2
# timeout: 120
#
# A helper that is preempted between taking a request and sending it.

. "$(dirname "$0")/../lib.sh"

run preempt_test
