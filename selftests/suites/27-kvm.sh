#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 60
#
# What a consumer may map that brought KVM.

. "$(dirname "$0")/../lib.sh"

# Of this processor's kind, where there is one; other suites do without.
modprobe -q kvm_intel || modprobe -q kvm_amd
(run kvm_test)
status=$?
modprobe -q -r kvm_intel kvm_amd
exit $status
