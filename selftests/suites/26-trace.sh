#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 60
#
# Trace events.

. "$(dirname "$0")/../lib.sh"

run trace_test
