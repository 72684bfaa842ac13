#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# labs: 6.12
# init: systemd
# timeout: 600
#
# What the quick start tells the owner of a real host: make install, modprobe, and
# vuserd as a service of systemd, which watches it and starts it again.

# shellcheck disable=SC2016,SC2317 # what check evaluates and calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

UNIT=vuserd.service
DROP_IN=/etc/systemd/system/$UNIT.d
# What is installed is tried, not what was built.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# quiet COMMAND...: it succeeds and has nothing to say.
quiet()
{
	local text

	text=$("$@" 2>&1)
	local status=$?

	echo "$text"
	[ $status = 0 ] && [ -z "$text" ]
}

# As the owner of a host would, but for a tree that is compiled elsewhere, and for
# modules that stay as they are in a root without xz.
install_all()
{
	local plain=()

	command -v xz || plain=(CONFIG_MODULE_COMPRESS_XZ=)
	make -C "$TOP" BUILD="$BUILD" KMOD="$BUILD/module/kmod" "${plain[@]}" install
}

property()
{
	systemctl show -P "$1" $UNIT
}

is_active()
{
	[ "$(systemctl is-active $UNIT)" = active ] &&
		[ "$(property StatusErrno)" = 0 ]
}

# Write a program that prints a name of each protocol and the version of the libraries.
write_program()
{
	cat > "$WORK/prog.c" <<-EOF
	#include <stdio.h>
	#include <vhost-user/backend.h>
	#include <vhost-user/version.h>
	#include <vuser/netlink.h>
	#include <vuser/server.h>
	#include <vuser/version.h>

	int main(void)
	{
		puts(VUSER_FAMILY_NAME);
		puts(vuser_command_name(VFIO_USER_VERSION));
		puts(vhost_user_request_name(VHOST_USER_REQUEST,
					     VHOST_USER_GET_CONFIG));
		return vuser_library_version() != VUSER_LIBRARY_VERSION ||
		       vhost_user_library_version() !=
			       VHOST_USER_LIBRARY_VERSION;
	}
	EOF
}

# compile LIBRARY...: build the program with the installed headers and run it.
compile()
{
	# shellcheck disable=SC2046 # words
	gcc -Wall -Werror $(pkg-config --cflags libvuser libvhost-user) \
		-o "$WORK/prog" "$WORK/prog.c" "$@" &&
		[ "$("$WORK/prog" | tr '\n' ' ')" = "vuser VERSION GET_CONFIG " ]
}

compile_shared()
{
	# shellcheck disable=SC2046 # words
	compile $(pkg-config --libs libvuser libvhost-user) &&
		ldd "$WORK/prog" | grep -q '/usr/local/lib/libvuser.so.0' &&
		ldd "$WORK/prog" | grep -q '/usr/local/lib/libvhost-user.so.0'
}

compile_static()
{
	# shellcheck disable=SC2046 # words
	compile /usr/local/lib/libvuser.a /usr/local/lib/libvhost-user.a \
		$(pkg-config --libs json-c) &&
		! ldd "$WORK/prog" | grep -q 'libvuser\|libvhost-user'
}

# The consumer holds the device, until its input ends.
consumer_opens()
{
	local word

	coproc CONSUMER { exec "$CONSUMERS/vfio_open.py" "${UUID[ioat]}" 2>&1; }
	consumer=$CONSUMER_PID
	exec {to}>&"${CONSUMER[1]}"- {from}<&"${CONSUMER[0]}"-
	read -r -t $SOON -u "$from" word
	echo "$word"
	[ "$word" = open ]
}

# answers WORD COMMAND...: the register, or a map that needs the helper.
answers()
{
	local want=$1 answer

	shift
	echo "$*" >&"$to"
	read -r -t $SOON -u "$from" answer
	echo "$answer"
	[ "$answer" = "$want" ]
}

consumer_ends()
{
	exec {to}>&-
	wait "$consumer"
}

state_is()
{
	"$CONSUMERS/mdev_wait.py" "${UUID[ioat]}" state "$1" $SOON
}

owner()
{
	vuserctl -j show "${UUID[ioat]}" | jq .owner
}

# new_owner OLD: wait until another helper than OLD has the device.
new_owner()
{
	local now

	now=$(owner)
	[ "$now" != 0 ] && [ "$now" != "$1" ]
}

# A helper that hangs is killed by its watchdog, and started again.
hang()
{
	local pid word journal watched=

	pid=$(property MainPID)
	exec {journal}< <(exec journalctl -f -n 0 -o cat -u $UNIT)
	kill -STOP "$pid"
	while read -r -t $SOON -u "$journal" word; do
		echo "$word"
		case $word in
		*"Watchdog timeout"*) watched=1 ;;
		"Started $UNIT"*) break ;;
		esac
	done
	kill $!
	[ -n "$watched" ] && [ "$(property MainPID)" != "$pid" ]
}

check "make install" install_all || finish
check "depmod" quiet depmod
check "ldconfig" quiet ldconfig
check "the unit is well formed" quiet systemd-analyze verify $UNIT
for page in vuserd vuserctl vuser-ioat; do
	check "there is a man page of $page" eval "man -w $page"
done
check "there is bash completion" bash -c \
	'. /usr/local/share/bash-completion/completions/vuserctl && complete -p vuserctl'
export PKG_CONFIG_PATH=/usr/local/lib/pkgconfig
write_program
check "a program is built with the installed shared libraries" compile_shared
check "a program is built with the installed static libraries" compile_static
check "no header is installed in linux/" test ! -e /usr/local/include/linux

check "modprobe vuser" modprobe vuser
module_loaded=1
check "type1 is loaded before it" test \
	"$(modinfo -F softdep vuser)" = "pre: vfio_iommu_type1"
check "it is the installed one" eval \
	'modinfo -n vuser | grep -q "^/lib/modules/$(uname -r)/"'
modprobe vfio-pci
check "systemctl enable --now" systemctl enable --now $UNIT
check "it is active: it said READY" is_active
check "it will be at the next boot" systemctl is-enabled $UNIT
check "systemctl status" systemctl status $UNIT
check "the watchdog is on" test "$(property WatchdogUSec)" != 0

# Under all its restrictions it connects, and lends its file table.
check "a device of vuser-ioat attaches" device_up ioat vuser-ioat -s || finish
check "a consumer opens it" consumer_opens || finish
check "it reads the version of the engine" answers 0x33 read 0x8
check "its memory reaches the server" answers mapped map
check "the journal says where it is attached" eval \
	'journalctl -o cat -u $UNIT | grep -q "attached to $WORK/ioat.sock"'

old=$(owner)
check "systemctl restart" systemctl restart $UNIT
check "another vuserd has the device" new_owner "$old"
check "it is still open" state_is open
check "and works" answers 0x33 read 0x8
check "and the new vuserd serves it" answers mapped map

mkdir -p $DROP_IN
printf '[Service]\nWatchdogSec=5\n' > $DROP_IN/short.conf
systemctl daemon-reload
systemctl restart $UNIT
old=$(owner)
check "a vuserd that hangs is killed and started again" hang
check "the new one has the device" new_owner "$old"
check "which works" answers 0x33 read 0x8
check "and is served" answers mapped map

check "systemctl reload" systemctl reload $UNIT
check "it goes on" is_active
check "the consumer ends" consumer_ends
check "the device is attached" state_is attached

# A device that mdevctl starts when the module comes. Debian 13's udev rule looks
# for mdevctl where it is not.
[ -e /usr/sbin/mdevctl ] || ln -s "$(command -v mdevctl)" /usr/sbin/mdevctl
check "the device is removed" device_down ioat
uuid=$(cat /proc/sys/kernel/random/uuid)
serve auto vuser-ioat -s
check "mdevctl define --auto" eval 'mdevctl define --auto --uuid "$uuid" \
	--parent vuser --type vuser-pci && mdevctl modify --uuid "$uuid" \
	--addattr vuser/endpoint --value "$WORK/auto.sock"'
check "the module goes" rmmod vuser
check "and comes" modprobe vuser
check "udev has done its part" udevadm settle
UUID[ioat]=$uuid
check "the device is there, and attaches" state_is attached
check "it goes" device_down ioat
server_stop auto
mdevctl undefine --uuid "$uuid"

check "systemctl disable --now" systemctl disable --now $UNIT
check "vuserd ended in good order" test "$(property Result)" = success
finish
