#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 180
#
# Loads and stores on mapped registers.

. "$(dirname "$0")/../lib.sh"

run trap_test
