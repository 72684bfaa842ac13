# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions for a suite that runs guests with libvirt. Each guest has the device "ioat".

PORT=4000
SLOT=4
FIRMWARE=/var/lib/libvirt/images/halt.rom
LIBVIRT_UNITS="libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service
	virtlogd.socket virtlogd-admin.socket virtlogd.service"

# Unpack Debian's libvirt (lab/libvirt) and start it. AppArmor gets the profiles of libvirt, and
# not all those of Debian, which an emulated machine would compile for minutes.
libvirt_up()
{
	tar -C / -xf "$TOP/build/libvirt/files.tar" &&
		systemctl daemon-reload &&
		apparmor_parser -r /etc/apparmor.d/usr.sbin.libvirtd \
			/etc/apparmor.d/usr.lib.libvirt.virt-aa-helper &&
		systemctl start dbus.socket virtlogd.socket libvirtd.socket &&
		virsh version || return
	# The processor halts at the first instruction (HLT), and at the next ones.
	mkdir -p "${FIRMWARE%/*}"
	head -c 64K /dev/zero | tr '\0' '\364' > $FIRMWARE
}

libvirt_down()
{
	# shellcheck disable=SC2086 # words
	systemctl stop $LIBVIRT_UNITS
	apparmor_parser -R /etc/apparmor.d/usr.sbin.libvirtd \
		/etc/apparmor.d/usr.lib.libvirt.virt-aa-helper
}

# describe NAME [ELEMENT]: write the description of a guest, with one more element, to
# $WORK/NAME.xml, where all users can read it.
describe()
{
	sed -e "s|@NAME@|$1|" -e "s|@MORE@|${2:-}|" -e "s|@FIRMWARE@|$FIRMWARE|" \
		-e "s|@UUID@|$UUID_OF_DEVICE|" -e "s|@SLOT@|$SLOT|" -e "s|@PORT@|$PORT|" \
		"$CONSUMERS/libvirt/guest.xml" > "$WORK/$1.xml"
}

# The process of the guest's QEMU.
qemu_pid()
{
	pidof qemu-system-x86_64
}

# driver copy|eject: act as the guest's driver of the device.
driver()
{
	"$CONSUMERS/qemu/driver.py" $PORT $SLOT "$1"
}

state_is()
{
	"$CONSUMERS/mdev_wait.py" "$UUID_OF_DEVICE" state "$1" $SOON
}

# eventually COMMAND...: wait until the command succeeds. libvirt reports less than it does.
eventually()
{
	local end=$((SECONDS + SOON))

	until "$@"; do
		[ $SECONDS -lt $end ] || return
		sleep 0.2
	done
}

# destroyed VIRSH...: virsh ends the guest, and the device is closed.
destroyed()
{
	"$@" destroy guest && state_is attached
}

# refused PATTERN COMMAND...: the command fails, and its output matches PATTERN.
refused()
{
	local pattern=$1 text

	shift
	! text=$("$@" 2>&1) && echo "$text" && grep -q -- "$pattern" <<< "$text"
}
