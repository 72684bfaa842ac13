# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The capabilities that a suite may expect from the kernel. The lab sets
# VUSER_CAPABILITIES from lab/kernels.toml; without the lab, set it when you start a suite.

# capable NAME: whether the kernel has a capability.
capable()
{
	[[ " ${VUSER_CAPABILITIES:-} " == *" $1 "* ]]
}
