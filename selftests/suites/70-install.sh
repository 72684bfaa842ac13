#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The quick start on a real host: make install, modprobe, and vuserd as a service of
# systemd, which watches vuserd and restarts it.

# shellcheck disable=SC2016,SC2317 # strings that check evaluates, functions that it calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

UNIT=vuserd.service
DROP_IN=/etc/systemd/system/$UNIT.d
# Test the installed programs, not those in the build directory.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# quiet COMMAND...: the command succeeds and prints nothing.
quiet()
{
	local text

	text=$("$@" 2>&1)
	local status=$?

	echo "$text"
	[ $status = 0 ] && [ -z "$text" ]
}

# All files, and the directories of vuser, below the directories to which make install
# writes. depmod, ldconfig, mdevctl and systemd-sysusers write files of their own.
installed()
{
	find /usr/local /etc "/lib/modules/$(uname -r)" \
		\( ! -type d -o -name '*vuser*' -o -name vhost-user \) | grep -v \
		-e '^/lib/modules/[^/]*/modules\.' -e '^/etc/ld\.so\.cache$' \
		-e '^/etc/mdevctl\.d/' -e '^/etc/\(group\|gshadow\|passwd\|shadow\)-$' \
		-e '^/etc/\.pwd\.lock$' | sort
}

# uninstalled: nothing is left of what make install wrote, and nothing else is missing.
uninstalled()
{
	diff "$WORK/before" <(installed)
}

uninstall_all()
{
	make -C "$TOP" BUILD="$BUILD" KMOD="$BUILD/module/kmod" uninstall
}

# Install as the owner of a host does. Two things differ: the tree was compiled
# elsewhere, and a root without xz cannot compress modules.
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

# Start a consumer, which holds the device open until its input ends.
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

# answers WORD COMMAND...: the consumer reads a register, or maps memory, which needs the
# helper; its answer is WORD.
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

# The device node belongs to the group vuser.
node_of_group()
{
	local group

	group=$(readlink -f "$MDEVS/${UUID[ioat]}/iommu_group")
	udevadm settle
	stat -c '%G %a' "/dev/vfio/${group##*/}" | grep -x 'vuser 660'
}

# opens_as GROUP: a user who is not root, in a group, opens the device.
opens_as()
{
	setpriv --reuid nobody --regid nogroup --groups "$1" --bounding-set=-all \
		--inh-caps=-all "$CONSUMERS/vfio_open.py" "${UUID[ioat]}" < /dev/null
}

state_is()
{
	"$CONSUMERS/mdev_wait.py" "${UUID[ioat]}" state "$1" $SOON
}

owner()
{
	vuserctl -j show "${UUID[ioat]}" | jq .owner
}

# new_owner OLD: whether a helper other than OLD has the device.
new_owner()
{
	local now

	now=$(owner)
	[ "$now" != 0 ] && [ "$now" != "$1" ]
}

# Make the helper hang: systemd's watchdog kills and restarts it.
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

# unit_property KIND NAME PROPERTY: of the unit of systemd that vuserctl starts for a device.
unit_property()
{
	systemctl show -P "$3" "vuser-$1-${UUID[$2]}.service"
}

# unit_restarts KIND NAME: kill the server of a device: systemd starts another one, which gets
# the device.
unit_restarts()
{
	local pid word journal

	pid=$(unit_property "$1" "$2" MainPID)
	exec {journal}< <(exec journalctl -f -n 0 -o cat -u "vuser-$1-${UUID[$2]}.service")
	kill -KILL "$pid"
	while read -r -t $SOON -u "$journal" word; do
		echo "$word"
		case $word in
		"Started vuser-$1-"*) break ;;
		esac
	done
	kill $!
	[ "$(unit_property "$1" "$2" MainPID)" != "$pid" ] &&
		"$CONSUMERS/mdev_wait.py" "${UUID[$2]}" state attached $SOON
}

bridge_created()
{
	truncate -s 1M "$WORK/disk.img"
	"$TOP/lab/vm/service" "$WORK/back.pid" "$WORK/back.log" \
		"$BIN/vuser-vhost-blk" --socket-path="$WORK/disk.back" \
		--blk-file="$WORK/disk.img" &&
		UUID[disk]=$(vuserctl create --wait --vhost "blk:$WORK/disk.back")
}

bridge_is_confined()
{
	[ "$(unit_property vhost disk ActiveState)" = active ] &&
		[ "$(unit_property vhost disk NoNewPrivileges)" = yes ] &&
		[ "$(unit_property vhost disk ProtectSystem)" = full ]
}

bridge_removed()
{
	vuserctl remove "${UUID[disk]}" &&
		[ "$(unit_property vhost disk ActiveState)" = inactive ] &&
		[ -z "$(ls /run/vuser-vhost)" ] &&
		kill "$(cat "$WORK/back.pid")"
}

qemu_refused()
{
	! vuserctl create --qemu nonsense 2> "$WORK/refused" &&
		cat "$WORK/refused" &&
		grep -q "'nonsense' is not a valid device model name" "$WORK/refused" &&
		[ -z "$(ls $MDEVS)" ] &&
		! systemctl list-units --all | grep vuser-qemu-
}

qemu_created()
{
	UUID[edu]=$(vuserctl create --wait --qemu edu) &&
		[ "$(unit_property qemu edu ActiveState)" = active ] &&
		[ "$(unit_property qemu edu NoNewPrivileges)" = yes ]
}

qemu_removed()
{
	vuserctl remove "${UUID[edu]}" &&
		[ "$(unit_property qemu edu ActiveState)" = inactive ] &&
		[ -z "$(ls /run/vuser-qemu)" ]
}

# Without a back end there is neither a device nor a unit, and the reason is printed.
bridge_refused()
{
	! vuserctl create --vhost "blk:$WORK/none" 2> "$WORK/refused" &&
		cat "$WORK/refused" &&
		grep -q "start the back end first" "$WORK/refused" &&
		[ -z "$(ls $MDEVS)" ] &&
		! systemctl list-units --all | grep vuser-vhost-
}

# Files of others, in directories of vuser and of the system.
for foreign in /usr/local/include/vuser/foreign.h /usr/local/bin/vuser-foreign; do
	mkdir -p "${foreign%/*}"
	echo foreign > $foreign
done
installed > "$WORK/before"
check "make install" install_all || finish
check "depmod has nothing to complain about" quiet depmod
check "ldconfig has nothing to complain about" quiet ldconfig
check "systemd-analyze accepts the unit" quiet systemd-analyze verify $UNIT
for page in vuserd vuserctl vuser-ioat vuser-vhost; do
	check "there is a man page of $page" eval "man -w $page"
done
for program in vuserctl vuserd vuser-ioat vuser-vhost; do
	check "$program has completion of bash and fish" test \
		-s /usr/local/share/bash-completion/completions/$program -a \
		-s /usr/local/share/fish/vendor_completions.d/$program.fish
done
check "there is completion of zsh" test -s /usr/local/share/zsh/site-functions/_vuser
check "modinfo prints the version of vuserctl" test \
	"vuserctl $(modinfo -F version vuser)" = "$(vuserctl --version)"
check "bash completes vuserctl" bash -c \
	'. /usr/local/share/bash-completion/completions/vuserctl && complete -p vuserctl'
export PKG_CONFIG_PATH=/usr/local/lib/pkgconfig
write_program
check "a program is built with the installed shared libraries" compile_shared
check "a program is built with the installed static libraries" compile_static
check "python3 imports the installed package" python3 -c 'import vuser'
check "no header is installed in linux/" test ! -e /usr/local/include/linux

check "systemd-sysusers makes the group vuser" eval 'systemd-sysusers && getent group vuser'
check "udev loads the rule" udevadm control --reload
check "modprobe vuser" modprobe vuser
module_loaded=1
check "modprobe loads type1 before vuser" test \
	"$(modinfo -F softdep vuser)" = "pre: vfio_iommu_type1"
check "modprobe loads the installed module" eval \
	'modinfo -n vuser | grep -q "^/lib/modules/$(uname -r)/"'
modprobe vfio-pci
check "systemctl enable --now" systemctl enable --now $UNIT
check "the service is active: vuserd sent READY=1" is_active
check "the service is enabled for the next boot" systemctl is-enabled $UNIT
check "systemctl status succeeds" systemctl status $UNIT
check "the watchdog is on" test "$(property WatchdogUSec)" != 0

status()
{
	sed -n "s/^$1:[[:space:]]*//p" "/proc/$(property MainPID)/status"
}
check "vuserd has three capabilities" test "$(status CapEff)" = 0000000000201002
check "vuserd cannot get other capabilities" test "$(status CapBnd)" = 0000000000201002
check "vuserd can get no new privileges" test "$(status NoNewPrivs)" = 1
check "systemd-analyze finds little exposure" systemd-analyze security \
	--threshold=45 --no-pager $UNIT

check "create --vhost without a back end makes neither a device nor a unit" bridge_refused
check "create --vhost makes a unit of systemd" bridge_created
check "the unit is active and confined" bridge_is_confined
check "systemd starts a killed vuser-vhost again" unit_restarts vhost disk
check "remove ends the unit and removes its files" bridge_removed
export VUSER_QEMU_SERVER=$TOP/build/qemu-server/qemu-system-x86_64
check "create --qemu of a model that QEMU lacks makes neither a device nor a unit" qemu_refused
check "create --qemu makes a unit of systemd" qemu_created
check "systemd starts a killed QEMU again" unit_restarts qemu edu
check "remove ends QEMU's unit and removes its files" qemu_removed

# With all of the unit's restrictions, vuserd connects and opens files for the kernel.
check "a device of vuser-ioat attaches" device_up ioat vuser-ioat -s || finish
check "the device node belongs to the group vuser" node_of_group
check "a user of the group vuser opens the device" opens_as vuser
check "a user of another group has no permission to open the device" eval \
	'opens_as nogroup 2>&1 | grep "Permission denied: .*/dev/vfio/[0-9]"'
check "a consumer opens the device" consumer_opens || finish
check "the consumer reads a register" answers 0x33 read 0x8
check "the consumer's memory is mapped at the server" answers mapped map
check "the journal names the socket of the device" eval \
	'journalctl -o cat -u $UNIT | grep -q "attached to $WORK/ioat.sock"'

old=$(owner)
check "systemctl restart" systemctl restart $UNIT
check "the restarted vuserd owns the device" new_owner "$old"
check "the device stays open over the restart" state_is open
check "the consumer reads a register after the restart" answers 0x33 read 0x8
check "the consumer maps memory after the restart" answers mapped map

mkdir -p $DROP_IN
printf '[Service]\nWatchdogSec=5\n' > $DROP_IN/short.conf
systemctl daemon-reload
systemctl restart $UNIT
old=$(owner)
check "systemd kills and restarts a vuserd that hangs" hang
check "the vuserd that the watchdog started owns the device" new_owner "$old"
check "the consumer reads a register after the hang" answers 0x33 read 0x8
check "the consumer maps memory after the hang" answers mapped map

check "systemctl reload succeeds" systemctl reload $UNIT
check "the service is active after the reload" is_active
check "the consumer ends without an error" consumer_ends
check "the device is attached after the consumer ended" state_is attached

# A device that mdevctl starts when the module is loaded. Debian 13's udev rule looks for
# mdevctl in the wrong directory.
[ -e /usr/sbin/mdevctl ] || ln -s "$(command -v mdevctl)" /usr/sbin/mdevctl
check "the device is removed" device_down ioat
uuid=$(cat /proc/sys/kernel/random/uuid)
serve auto vuser-ioat -s
check "mdevctl defines a device with --auto" eval 'mdevctl define --auto --uuid "$uuid" \
	--parent vuser --type vuser-pci && mdevctl modify --uuid "$uuid" \
	--addattr vuser/endpoint --value "$WORK/auto.sock"'
check "the module is unloaded" rmmod vuser
check "the module is loaded again" modprobe vuser
check "udev handles all events" udevadm settle
UUID[ioat]=$uuid
check "mdevctl has started the device, and it attaches" state_is attached
check "the device of mdevctl is removed" device_down ioat
server_stop auto
mdevctl undefine --uuid "$uuid"

check "systemctl disable --now" systemctl disable --now $UNIT
check "vuserd ends with success" test "$(property Result)" = success

# The next suites use the programs of the build directory.
rm -r $DROP_IN
check "make uninstall" uninstall_all
check "make uninstall removes what make install wrote, and nothing else" uninstalled
check "make uninstall removes the module from the lists of depmod" eval '! modinfo vuser'
rm /usr/local/include/vuser/foreign.h /usr/local/bin/vuser-foreign
rmdir /usr/local/include/vuser
finish
