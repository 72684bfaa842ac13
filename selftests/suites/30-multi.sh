#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 180
#
# More than one device, more than one consumer.

. "$(dirname "$0")/../lib.sh"

run multi_test
