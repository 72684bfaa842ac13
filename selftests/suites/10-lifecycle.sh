#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 180
#
# Create, attributes, attach, open, remove.

. "$(dirname "$0")/../lib.sh"

run lifecycle_test
