#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The commands in Documentation/writing-a-server.rst and python.rst, as printed there: they
# build the samples with the installed libvuser, create devices for them and drive them.

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh

# In a mount namespace, so that no other suite sees the installed files.
[ -n "${SAMPLES_PRIVATE:-}" ] ||
	SAMPLES_PRIVATE=1 exec unshare --mount "$0" "$@"
mount -t tmpfs samples /usr/local

. "$(dirname "$0")/../consumers/common.sh"

install_user()
{
	make -C "$TOP/user" O="$BUILD/user" install && ldconfig
}

check "the programs and libraries are installed" install_user || finish
check "the module and the helper start" vuser_up || finish
cp -r "$TOP"/user/samples/. "$WORK" && cd "$WORK" || exit
"$CONSUMERS/samples/page.py" "$TOP/Documentation/writing-a-server.rst" > "$LOG"
retap page "$LOG"
"$CONSUMERS/samples/page.py" "$TOP/Documentation/python.rst" > "$LOG"
retap python "$LOG"
finish
