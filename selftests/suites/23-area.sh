#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 240
# hugepages: 16
#
# Shared areas by the kind of file behind them. (23-area-limit has the rest.)

. "$(dirname "$0")/../lib.sh"

run area_test -T at_most_1_gib_of_an_area_is_held
