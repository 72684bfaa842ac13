#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 240
#
# A server that does to each message what a broken or malicious one would.

. "$(dirname "$0")/../lib.sh"

run hostile_test
