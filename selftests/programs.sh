#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run test programs one after the other, with the module loaded. Fails when one fails.
# usage: selftests/programs.sh [-m MODULE]... "PROGRAM [ARGUMENT]..."...
#   -m  a kernel module to load before; it may be built in

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

status=0
while getopts m: option; do
	[ "$option" = m ] || exit 2
	modprobe "$OPTARG"
done
shift $((OPTIND - 1))
for words; do
	read -ra program <<< "$words"
	run "${program[@]}" || status=1
done
exit $status
