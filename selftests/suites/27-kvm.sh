#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The memory that a consumer with KVM may map.

# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# Load the module for this processor, if it can virtualize, for this suite only.
modprobe -q kvm_intel || modprobe -q kvm_amd
run kvm_test
status=$?
modprobe -q -r kvm_intel kvm_amd
exit $status
