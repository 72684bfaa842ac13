# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Comments in a suite's TAP that say which consumer has driven which server. The lab makes
# the matrix in Documentation/tested.rst of them (lab/matrix).

# tested CONSUMER SERVER: record that CONSUMER has driven SERVER. Call this after the checks
# that show it. Each argument is a name, and a version after a blank if the program is not
# vuser's own: tested "DPDK $(version_of dpdk)" vuser-ioat. SERVER is the back end if
# vuser-vhost is between the two. The results of a suite with a failure do not count.
tested()
{
	local kernel

	kernel=$(uname -r | grep -oE '^[0-9]+\.[0-9]+')
	echo "# tested: ${LAB:--} $kernel: $1 -> $2"
}

# version_of PACKAGE: print the first two numbers of a Debian package's version, which stay
# the same in a stable release.
version_of()
{
	# shellcheck disable=SC2016 # dpkg-query expands it
	dpkg-query -W -f '${source:Upstream-Version}\n' "$1" | grep -oE '^[0-9]+\.[0-9]+'
}
