#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# labs: 6.1 6.12 debug
# timeout: 180
#
# Debian's mdevctl: define with attributes, start, list, stop, undefine; and
# that a device started by it is one that works.

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

uuid=$(cat /proc/sys/kernel/random/uuid)

attribute_is()
{
	[ "$(cat "$MDEVS/$uuid/vuser/$1")" = "$2" ]
}

define()
{
	mdevctl define --uuid "$uuid" --parent vuser --type vuser-pci &&
		mdevctl modify --uuid "$uuid" --addattr vuser/endpoint \
			--value "$WORK/ioat.sock" &&
		mdevctl modify --uuid "$uuid" --addattr vuser/pci_address \
			--value 5655:0a:00.0 &&
		mdevctl modify --uuid "$uuid" --addattr vuser/request_timeout_ms \
			--value 4321
}

listed()
{
	mdevctl list "$@" | grep -q "$uuid"
}

mkdir -p /etc/mdevctl.d
check "the module and the helper start" vuser_up || finish
serve ioat vuser-ioat -s

check "mdevctl types shows vuser-pci" eval 'mdevctl types | grep -q vuser-pci'
check "define with attributes" define || finish
check "list --defined shows it" listed --defined
check "start" mdevctl start --uuid "$uuid"
UUID[ioat]=$uuid
check "list shows it" listed
check "the endpoint was set" attribute_is endpoint "$WORK/ioat.sock"
check "the PCI address was set" attribute_is pci_address 5655:0a:00.0
check "the timeout was set" attribute_is request_timeout_ms 4321
check "it attaches" "$CONSUMERS/mdev_wait.py" "$uuid" state attached "$SOON"
check "a consumer reads its configuration space" eval \
	'vuserctl exec -- sh -c "cat /sys/bus/pci/devices/5655:0a:00.0/vendor" |
		grep -qx 0x8086'
check "stop" mdevctl stop --uuid "$uuid"
check "it is gone" test ! -e "$MDEVS/$uuid"
check "list does not show it" eval '! listed'
check "a second start" mdevctl start --uuid "$uuid"
check "it attaches again" "$CONSUMERS/mdev_wait.py" "$uuid" state attached "$SOON"
check "a second stop" mdevctl stop --uuid "$uuid"
check "undefine" mdevctl undefine --uuid "$uuid"
check "list --defined does not show it" eval '! listed --defined'

unset 'UUID[ioat]'
finish
