#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 180
#
# The control plane without a helper: rights, owners, bad descriptions, noise.

. "$(dirname "$0")/../lib.sh"

run_all control_test attach_test noise_test
