#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Debian's libvirt, as in Documentation/libvirt.rst: guests of the system and of a user, with
# AppArmor, locked memory, hot plug, and a server that is started again. The test acts as the
# guest's driver.

# shellcheck disable=SC2016,SC2317 # strings that check evaluates, functions that it calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"
# shellcheck source=../consumers/libvirt/guest.sh
. "$CONSUMERS/libvirt/guest.sh"

MEMFD="<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
TOO_LITTLE="<memtune><hard_limit unit='MiB'>100</hard_limit></memtune>"
LOCKED=$(((128 + 1024) << 20)) # libvirt's limit for a guest of 128 MiB

# Users of the group vuser may open the device, as with the packages.
group_up()
{
	groupadd --force --system vuser &&
		mkdir -p /run/udev/rules.d &&
		cp "$TOP/user/vuserd/vuser.rules" /run/udev/rules.d/60-vuser.rules &&
		udevadm control --reload
}

group_down()
{
	rm /run/udev/rules.d/60-vuser.rules
	udevadm control --reload
}

# libvirt lists devices as udev reports them.
nodedev_lists()
{
	local name=mdev_${UUID_OF_DEVICE//-/_}_vuser

	eventually eval "virsh nodedev-list --cap mdev | grep '^$name\$'" &&
		virsh nodedev-dumpxml "$name" > "$WORK/nodedev.xml" &&
		cat "$WORK/nodedev.xml" &&
		grep -q "<type id='vuser-pci'/>" "$WORK/nodedev.xml"
}

# started: virsh starts the guest, which opens the device.
started()
{
	virsh define "$WORK/guest.xml" && virsh start guest &&
		[ "$(virsh domstate guest | head -n 1)" = running ] && state_is open
}

# created VIRSH...: the same for a guest that is defined only while it runs.
created()
{
	"$@" create "$WORK/guest.xml" && state_is open
}

# runs_as USER: QEMU runs as a user without capabilities, not in the group vuser.
runs_as()
{
	local pid

	pid=$(qemu_pid) && [ "$(stat -c %U "/proc/$pid")" = "$1" ] &&
		grep "CapEff:[[:space:]]*0*\$" "/proc/$pid/status"
}

confined()
{
	grep "^libvirt-.* (enforce)" "/proc/$(qemu_pid)/attr/current"
}

# The profile of the guest has the nodes of VFIO.
profile_has_nodes()
{
	grep -F '"/dev/vfio/vfio" rw' "$PROFILE" && grep -F '"/dev/vfio/[0-9]*" rw' "$PROFILE"
}

locked_memory_is()
{
	grep "^Max locked memory *$1 *$1 " "/proc/$(qemu_pid)/limits"
}

# server_maps_memfd: the server has the file of the guest's memory.
server_maps_memfd()
{
	grep memfd:memory-backend-memfd "/proc/${SERVER[ioat]}/maps"
}

new_server()
{
	server_stop ioat && serve ioat "${SERVE[@]}" && state_is open
}

# stopped: QEMU stops the guest, because vuser reports that the device was reset.
stopped()
{
	new_server && eventually eval '[ "$(virsh domstate guest | head -n 1)" = paused ]'
}

detach_asks()
{
	virsh detach-device guest "$WORK/hostdev.xml" && state_is open
}

gives_back()
{
	driver eject && state_is attached
}

attached()
{
	virsh attach-device guest "$WORK/hostdev.xml" && state_is open
}

# A guest of the system.
check "the module and the helper start" vuser_up || finish
check "libvirt starts" libvirt_up || finish
check "users of the group vuser may open devices" group_up
SERVE=(vuser-ioat --state "$WORK/ioat.state" -s)
check "ioat device attaches" device_up ioat "${SERVE[@]}" || finish
UUID_OF_DEVICE=${UUID[ioat]}
set_attr ioat on_loss wait
set_attr ioat state_kept yes
set_attr ioat reconnect_timeout_ms 120000
chmod 755 "$WORK"
describe guest
sed -n '/<hostdev/,/<\/hostdev/p' "$WORK/guest.xml" > "$WORK/hostdev.xml"

check "nodedev-list shows the device with its type" nodedev_lists
check "virsh starts a guest with the device" started || finish
check "QEMU runs as libvirt-qemu without capabilities" runs_as libvirt-qemu
check "the user libvirt-qemu is not in the group vuser" eval \
	'! id -nG libvirt-qemu | grep -w vuser'
check "AppArmor confines QEMU" confined
PROFILE=/etc/apparmor.d/libvirt/libvirt-$(virsh domuuid guest | head -n 1).files
check "libvirt has added the nodes of VFIO to the guest's profile" profile_has_nodes
check "the limit of locked memory is the guest's memory and 1 GiB" locked_memory_is $LOCKED
check "without memoryBacking the server does not get the guest's memory as a file" eval \
	'! server_maps_memfd'
check "the guest's driver copies" driver copy
check "a new server with the state replaces a server that was killed" new_server
check "the guest's driver copies with the new server" driver copy
PORT=4001 describe second
check "a second guest cannot have the device" refused "is in use by driver QEMU, domain guest" \
	virsh create "$WORK/second.xml"

# Hot plug.
check "detach-device asks the guest for the device, which stays open" detach_asks
check "the device is closed when the guest gives it back" gives_back
check "libvirt has removed the nodes of VFIO from the guest's profile" eval \
	'eventually eval "! profile_has_nodes"'
check "attach-device gives the device to the guest" attached
check "the guest's driver copies after hot plug" driver copy
check "virsh ends the guest, and the device is closed" destroyed virsh
virsh undefine guest > /dev/null

# Memory, and a server that does not keep the state.
set_attr ioat state_kept no
describe guest "$MEMFD"
check "virsh starts a guest with memoryBacking" created virsh
check "the guest's driver copies with memoryBacking" driver copy
check "with memoryBacking the server maps the guest's memory" server_maps_memfd
check "QEMU stops the guest if the new server has not the state" stopped
check "virsh ends the guest that was stopped" destroyed virsh
describe guest "$TOO_LITTLE"
check "a guest whose memory is over its hard_limit does not start" refused \
	"vfio_container_dma_map.*Cannot allocate memory" virsh create "$WORK/guest.xml"

# libvirt gives the node to root when a guest of the system ends. udev gives the node to the
# group vuser again.
node_of_group()
{
	local node

	node=/dev/vfio/$(basename "$(readlink -f "$MDEVS/$UUID_OF_DEVICE/iommu_group")")
	stat -c %G "$node" && udevadm trigger --settle --subsystem-match=vfio &&
		[ "$(stat -c '%G %a' "$node")" = "vuser 660" ]
}

# session WORD...: virsh, as the user alice, with the libvirtd of alice.
session()
{
	prlimit --memlock=unlimited setpriv --reuid alice --regid alice --init-groups \
		--inh-caps=-all --bounding-set=-all env -i PATH="$PATH" HOME=/home/alice \
		virsh -c qemu:///session "$@"
}

# session_limit BYTES: the limit of locked memory of alice's libvirtd.
session_limit()
{
	prlimit --pid "$(pgrep -u alice libvirtd)" --memlock="$1"
}

session_ends()
{
	# shellcheck disable=SC2046 # words
	kill $(pgrep -u alice)
	pidwait -u alice
	[ -z "$(pgrep -u alice)" ]
}

# A guest of a user.
useradd --create-home alice
describe guest
check "udevadm trigger gives the device node to the group vuser" node_of_group
check "a user who is not in the group vuser cannot start the guest" refused \
	"Could not open '/dev/vfio/[0-9]*': Permission denied" session create "$WORK/guest.xml"
check "the processes of the user end" session_ends
usermod -aG vuser alice
check "the user's libvirtd starts with the group vuser" session list
session_limit $((8 << 20))
check "a user of the group with a limit of 8 MiB cannot start the guest" refused \
	"cannot limit locked memory of process [0-9]* to $LOCKED: Operation not permitted" \
	session create "$WORK/guest.xml"
session_limit $LOCKED
check "a user of the group whose limit is large enough starts the guest" created session
check "QEMU runs as the user without capabilities" runs_as alice
check "the guest's driver copies in a user's guest" driver copy
check "virsh ends the user's guest" destroyed session
check "the processes of the user of the group end" session_ends
userdel -r alice 2> /dev/null

check "the device is removed" device_down ioat
check "a guest whose device does not exist does not start" refused \
	"device not found: mediated device" virsh create "$WORK/guest.xml"
check "AppArmor denied nothing" eval '! dmesg | grep "apparmor=\"DENIED\""'
libvirt_down
group_down

tested "QEMU in libvirt $(version_of libvirt-daemon)" vuser-ioat
finish
