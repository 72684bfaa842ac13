#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# cpus: 2
# timeout: 180
#
# Posted writes: their order, a full socket.

. "$(dirname "$0")/../lib.sh"

run posted_test
