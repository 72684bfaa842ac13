#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Debian's mdevctl: define with attributes, start, list, stop, undefine. A device that
# mdevctl started works.

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

uuid=$(cat /proc/sys/kernel/random/uuid)
# The socket has a path that does not fit into a socket's address.
ioat=$(printf '%0120d' 0)/ioat

attribute_is()
{
	[ "$(cat "$MDEVS/$uuid/vuser/$1")" = "$2" ]
}

define()
{
	mdevctl define --uuid "$uuid" --parent vuser --type vuser-pci &&
		mdevctl modify --uuid "$uuid" --addattr vuser/endpoint \
			--value "$WORK/$ioat.sock" &&
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
mkdir "$WORK/${ioat%/*}"
serve "$ioat" vuser-ioat -s

check "mdevctl types shows vuser-pci" eval 'mdevctl types | grep -q vuser-pci'
check "mdevctl defines a device with attributes" define || finish
check "list --defined shows the device" listed --defined
check "mdevctl starts the device" mdevctl start --uuid "$uuid"
UUID[ioat]=$uuid
check "list shows the device" listed
check "mdevctl has set the endpoint" attribute_is endpoint "$WORK/$ioat.sock"
check "mdevctl has set the PCI address" attribute_is pci_address 5655:0a:00.0
check "mdevctl has set the timeout" attribute_is request_timeout_ms 4321
check "the device attaches" "$CONSUMERS/mdev_wait.py" "$uuid" state attached "$SOON"
check "a consumer reads its configuration space" eval \
	'vuserctl exec -- sh -c "cat /sys/bus/pci/devices/5655:0a:00.0/vendor" |
		grep -qx 0x8086'
check "mdevctl stops the device" mdevctl stop --uuid "$uuid"
check "the stopped device is gone" test ! -e "$MDEVS/$uuid"
check "list does not show the stopped device" eval '! listed'
check "mdevctl starts the device a second time" mdevctl start --uuid "$uuid"
check "the device attaches a second time" "$CONSUMERS/mdev_wait.py" "$uuid" state attached "$SOON"
check "mdevctl stops the device a second time" mdevctl stop --uuid "$uuid"
check "mdevctl undefines the device" mdevctl undefine --uuid "$uuid"
check "list --defined does not show the undefined device" eval '! listed --defined'

unset 'UUID[ioat]'
tested "mdevctl $(version_of mdevctl)" vuser-ioat
finish
