#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 300
#
# Consumers that are killed, or close, with work in flight.

. "$(dirname "$0")/../lib.sh"

run kill_test
