#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 180
#
# Trapped instructions beyond moves: vector registers, strings, a debugger.

. "$(dirname "$0")/../lib.sh"

run trap_insn_test
