#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
#
# Stores that the kernel turns into events.

. "$(dirname "$0")/../lib.sh"

run ioeventfd_test
