#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vuserctl and vuserd as a person uses them: their output, their error messages, and that
# the helper survives whatever happens to it.

# shellcheck disable=SC2016,SC2317 # strings that check evaluates, functions that it calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

A=5655:0b:00.0
DIR=/sys/bus/pci/devices/$A

# is EXPECTED COMMAND...: the command's standard output is EXPECTED.
is()
{
	local want=$1 got

	shift
	got=$("$@") || return
	[ "$got" = "$want" ] || { echo "got '$got', not '$want'"; return 1; }
}

# says PATTERN COMMAND...: the command fails, and its output matches PATTERN.
says()
{
	local pattern=$1 text

	shift
	if text=$("$@" 2>&1); then
		echo "the command succeeded"
		return 1
	fi
	echo "$text"
	grep -q -- "$pattern" <<< "$text"
}

# field DEVICE NAME: print a field of the device's JSON.
field()
{
	vuserctl -j show "$1" | jq -r --arg name "$2" '.[$name]'
}

# until_is ATTRIBUTE VALUE: wait until an attribute of the device under test has a value.
until_is()
{
	"$CONSUMERS/mdev_wait.py" "${UUID[dev]}" "$1" "$2" "$SOON"
}

# logged NAME TEXT: wait until a daemon logs a text.
logged()
{
	grep -q -m 1 "$2" < <(timeout "$SOON" tail -n +1 -F "$WORK/$1.log")
}

# monitored: change a setting until monitor, which may still be starting, prints the device.
monitored()
{
	local line i

	for ((i = 0; i < SOON; i++)); do
		vuserctl set --mmap trap $A
		while read -r -t 1 -u "$monitor" line; do
			echo "$line"
			[ "$line" = "$dev attached $A $WORK/dev.sock" ] && return
		done
	done
	return 1
}

in_view()
{
	vuserctl exec -- "$@"
}

# Before the module is loaded: help, and errors in arguments.
for command in create remove list show set monitor stats exec; do
	check "$command --help needs no module" eval \
		"vuserctl $command --help | grep -q '^usage: vuserctl .*$command'"
done
check "help shows a command" eval "vuserctl help stats | grep -q 'usage:.*stats'"
check "help rejects an unknown command" says "unknown command 'stat'" vuserctl help stat
check "an unknown option is reported without the module" says "usage: vuserctl .*create" \
	vuserctl create --foo
check "a missing argument is reported without the module" says "usage: vuserctl .*show" vuserctl show
check "a command names the module that is not loaded" says "modprobe vuser" vuserctl list
check "the program of exec gets its own options" says "modprobe vuser" \
	vuserctl exec -- ls --help

check "the module and the helper start" vuser_up || finish

# Creating.
uuid=$(cat /proc/sys/kernel/random/uuid)
check "create prints the UUID" is "$uuid" vuserctl create --uuid "$uuid"
UUID[plain]=$uuid
check "-j may stand after the command" eval \
	"vuserctl show $uuid -j | jq -e '.uuid == \"$uuid\"'"
check "creating a device twice fails" says "already exists" \
	vuserctl create --uuid "$uuid"
check "create rejects a string that is not a UUID" says "is not a UUID" vuserctl create --uuid 1234
check "create rejects an unknown mmap policy" says "auto, trap, sparse" \
	vuserctl create --mmap all
count=$(vuserctl -j list | jq length)
check "create fails if the kernel rejects a setting" says "PCI address" \
	vuserctl create --pci-address 5655:00:20.0
check "the failed create leaves no device" is "$count" eval "vuserctl -j list | jq length"
check "create rejects a wait that is not a number" says "not a number of seconds" \
	vuserctl create --endpoint "$WORK/nobody" --wait=5x
check "create rejects a negative wait" says "not a number of seconds" \
	vuserctl create --endpoint "$WORK/nobody" --wait=-1
check "create --wait without an endpoint fails" says "endpoint" vuserctl create --wait
check "create --wait reports that no server listens" says "start the server" \
	vuserctl create --endpoint "$WORK/nobody" --wait=1
nobody=$(vuserctl -j list | jq -r --arg path "$WORK/nobody" \
	'.[] | select(.endpoint == $path) | .uuid')
UUID[nobody]=$nobody
check "list shows the device without a server" eval \
	'vuserctl list | grep -q "^$nobody  created "'
check "show prints why the device is not attached" eval 'vuserctl show "$nobody" | grep -q "^error: .*socket does not exist"'

# A server, and what vuserctl shows of its device.
serve dev vuser-testdev
check "create --wait attaches" eval 'UUID[dev]=$(vuserctl create \
	--endpoint "$WORK/dev.sock" --pci-address $A --mmap trap --wait=$SOON)'
dev=${UUID[dev]}
check "show finds the device by UUID" is attached field "$dev" state
check "show finds the device by PCI address" is "$dev" field $A uuid
check "show prints the mmap policy that create has set" is trap field $A mmap
check "show prints the size of BAR 0" eval \
	'vuserctl -j show $A | jq -e ".region[] | select(.index == 0).size == 16384"'
check "show prints the number of MSI-X interrupts" eval \
	'vuserctl -j show $A | jq -e ".irq[] | select(.index == 2).count > 0"'
check "show of an unknown PCI address fails" says "there is no device" vuserctl show 5655:0b:00.1
check "show of an unknown UUID fails" says "there is no device" \
	vuserctl show 00000000-0000-0000-0000-000000000000

# Settings.
check "set changes two settings" vuserctl set --request-timeout-ms 4321 --reset never $A
check "show prints both new settings" is "4321 never" eval \
	'vuserctl -j show $A | jq -r "\"\\(.[\"request-timeout-ms\"]) \\(.reset)\""'
check "sysfs has the new timeout" is 4321 cat "$MDEVS/$dev/vuser/request_timeout_ms"
check "set rejects a timeout that is out of range" says "out of range" vuserctl set --request-timeout-ms 1 $A
check "set rejects a PCI address that is in use" says "in use" \
	vuserctl set --pci-address "$(field "$uuid" pci-address)" $A
check "set fails without CAP_SYS_ADMIN" says "permission denied" \
	setpriv --reuid 65534 --clear-groups --bounding-set=-all \
	--inh-caps=-all vuserctl set --mmap auto $A
check "set fails with CAP_NET_ADMIN alone, and names the missing capability" \
	says "run vuserctl as root of the host, with CAP_SYS_ADMIN" \
	setpriv --bounding-set=-sys_admin --inh-caps=-all vuserctl set --mmap auto $A
check "set fails in a user namespace" says "permission denied" \
	unshare -Ur vuserctl set --mmap auto $A
check "vuserctl in a network namespace says where to run it" says "host's network namespace" \
	unshare -Ur -n vuserctl list
check "list works without CAP_SYS_ADMIN" setpriv --reuid 65534 --clear-groups \
	--bounding-set=-all --inh-caps=-all vuserctl list
check "list without CAP_SYS_ADMIN does not show the endpoint" eval \
	'setpriv --reuid 65534 --clear-groups --bounding-set=-all --inh-caps=-all \
		vuserctl list | grep "^$dev .*(run as root to see it)$"'
check "show without CAP_SYS_ADMIN shows neither endpoint nor error" eval \
	'setpriv --reuid 65534 --clear-groups --bounding-set=-all --inh-caps=-all \
		vuserctl -j show $nobody | jq -e "(has(\"endpoint\") or has(\"error\")) | not"'
exec {monitor}< <(exec vuserctl monitor)
monitor_pid=$!
check "monitor prints the endpoint" monitored
kill $monitor_pid

# The view that vuserctl exec gives to a program.
check "the view has the vendor" is 0x5655 in_view cat $DIR/vendor
check "the view has the device ID" is 0x7e57 in_view cat $DIR/device
check "the view has the class" is 0xff0000 in_view cat $DIR/class
check "the view has the configuration space" is 56557e57 eval \
	'in_view od -An -tx2 -N4 $DIR/config | tr -d " "'
check "the view has BAR 0 as a resource" eval "in_view sed -n 1p $DIR/resource |
	grep -Eq '^0x[0-9a-f]{12}0000 0x[0-9a-f]{12}3fff 0x[0-9a-f]{13}2[0-9a-f]{2}\$'"
check "the driver in the view is vfio-pci" is /sys/bus/pci/drivers/vfio-pci \
	in_view readlink -f $DIR/driver
check "the view has the IOMMU group" is "/sys/kernel/iommu_groups/$(field $A group)" \
	in_view readlink -f $DIR/iommu_group
for real in /sys/bus/pci/devices/0000:*; do
	check "the view has the real device ${real##*/}" is "$(cat "$real/vendor")" \
		in_view cat "$real/vendor"
	break
done
check "exec sets SYSFS_PCI_DEVICES" is /sys/bus/pci/devices \
	in_view printenv SYSFS_PCI_DEVICES
check "any user sees the view, with any umask" eval \
	'(umask 077; in_view setpriv --reuid 65534 --clear-groups cat $DIR/vendor)'
check "the program has its own umask" is 0027 eval \
	'umask 027; in_view sh -c umask'
check "the view is read-only" eval '! in_view sh -c "echo x > $DIR/vendor" 2> /dev/null'
check "programs outside of exec do not see the view" test ! -e $DIR
check "exec reports that a device without a server is not in the view" eval \
	'vuserctl exec true 2>&1 | grep -q "$nobody is not shown"'
in_view sh -c 'exit 42' 2> /dev/null
check "exec ends with the exit status of the program" test $? = 42
vuserctl exec -- /no/such/program 2> /dev/null
check "exec of a program that does not exist ends with 127" test $? = 127

# Counters work for a device that is not open. The helper's own reads do not count.
check "stats prints counters" eval 'vuserctl stats $A | grep -q "^region-read *[0-9]"'
check "stats prints the last counter" eval 'vuserctl stats $A | grep -q "^unsent *0$"'
check "stats prints a name for every counter" \
	eval '! vuserctl stats $A | grep -qv "^[a-z-]* *[0-9]*$"'
check "stats prints JSON" eval 'vuserctl -j stats $A | jq -e ".[\"dma-map\"] == 0"'
check "stats -n 2 ends after two intervals" is "2" eval \
	'vuserctl -j stats -i 0.01 -n 2 $A | jq -s length'
check "stats rejects an interval of 0" says "not a number of seconds" vuserctl stats -i 0 $A

# Servers that come and go.
check "another endpoint takes effect when the device is not open" eval \
	'vuserctl set --endpoint "$WORK/other.sock" $A && until_is state created'
serve other vuser-testdev
check "the device attaches to the new endpoint" until_is state attached
server_stop other
check "the device is not attached after its server ended" until_is state created
check "show prints why the server was lost" eval \
	'vuserctl show $A | grep -Eq "^error: .*(is gone|does not exist|no server is listening)"'
touch "$WORK/file"
vuserctl set --endpoint "$WORK/file" $A
check "an endpoint that is not a socket is reported" until_is error \
	"cannot connect to $WORK/file: it is not a socket: set the endpoint to the server's socket"
vuserctl set --endpoint "$WORK/dev.sock" $A
check "the device attaches to the first endpoint again" until_is state attached

# A path that does not fit into a socket's address.
long=$(printf '%0120d' 0)/long
mkdir "$WORK/${long%/*}"
serve "$long" vuser-testdev
check "an endpoint of more than 107 bytes is set" vuserctl set --endpoint "$WORK/$long.sock" $A
check "the device attaches to an endpoint of more than 107 bytes" until_is state attached
check "list shows the whole endpoint" eval 'vuserctl list | grep -q "$WORK/$long.sock\$"'
server_stop "$long"
check "the error shows the end of a long path, and the reason" eval \
	'until_is state created && vuserctl show $A | grep -Eq "^error: .*0/long\.sock .*log$|^error: .*0/long\.sock: .*trying$"'
vuserctl set --endpoint "$WORK/dev.sock" $A
check "the device attaches to the first endpoint once more" until_is state attached

# The directory of a user who tries to get the device of another user.
mkdir "$WORK/tenant"
ln -s ../dev.sock "$WORK/tenant/sock"
chown -hR 65534 "$WORK/tenant"
vuserctl set --endpoint "$WORK/tenant/sock" $A
check "a symbolic link to the socket of another user is not followed" eval \
	'until_is state created && vuserctl show $A | grep -q "symbolic link"'
vuserctl set --endpoint "$WORK/dev.sock" $A
check "the device attaches to the socket itself" until_is state attached

# The user of the server.
check "show prints the process and the user of the server" eval \
	'vuserctl show $A | grep -q "^server: process ${SERVER[dev]}, user 0, group 0$"'
check "show prints the process of the server as JSON" is "${SERVER[dev]}" field $A server-pid
check "set demands another user for the server" vuserctl set --server-user nobody $A
check "show prints the demanded user" is "$(id -u nobody)" field $A server-user
vuserctl set --endpoint "$WORK/away.sock" $A
check "the server is detached" until_is state created
vuserctl set --endpoint "$WORK/dev.sock" $A
check "a server of another user is not attached" until_is error \
	"the server at $WORK/dev.sock runs as user 0, but the setting server-user demands user $(id -u nobody)"
check "any user may serve again" vuserctl set --server-user any $A
check "the server is attached again" until_is state attached

# The privileges of the helper.
status()
{
	sed -n "s/^$1:[[:space:]]*//p" "/proc/$(cat "$WORK/vuserd.pid")/status"
}
# CAP_DAC_OVERRIDE (1), CAP_NET_ADMIN (12), CAP_SYS_ADMIN (21)
check "the helper has three capabilities" is 0000000000201002 status CapPrm
check "the helper cannot get other capabilities" is 0000000000201002 status CapBnd
check "the helper can get no new privileges" is 1 status NoNewPrivs

# The helper.
pid=$(cat "$WORK/vuserd.pid" 2> /dev/null)
if [ -n "$pid" ]; then
	owner=$(field $A owner)
	kill -9 "$pid"
	pidwait -F "$WORK/vuserd.pid"
	check "the device has no owner after the helper was killed" is 0 field $A owner
	check "the device stays attached" is attached field $A state
	check "show reports that no helper runs" eval \
		'vuserctl show $A | grep -q "start vuserd"'
	check "the helper starts again" daemon vuserd vuserd --foreground
	check "the new helper owns the device" test "$(field $A owner)" -gt 0
	check "the new owner differs from the old one" test "$(field $A owner)" != "$owner"
	vuserctl set --endpoint "$WORK/away.sock" $A
	check "a device that was taken over follows a new endpoint" \
		until_is state created
	vuserctl set --endpoint "$WORK/dev.sock" $A
	check "the device that was taken over attaches again" until_is state attached
	check "the helper holds no descriptors of devices" test \
		"$(find "/proc/$(cat "$WORK/vuserd.pid")/fd" | wc -l)" -lt 20
fi

# Many devices.
for i in {1..24}; do
	serve "many$i" vuser-testdev
done
for i in {1..24}; do
	many+=" $(vuserctl create --endpoint "$WORK/many$i.sock")"
done
attached()
{
	local u

	for u in $many; do
		"$CONSUMERS/mdev_wait.py" "$u" state attached "$SOON" || return
	done
}
check "24 devices attach" attached
for u in $many; do
	vuserctl remove "$u" || echo "$u stays" >> "$WORK/stays"
done
check "24 devices are removed" test ! -e "$WORK/stays"
for i in {1..24}; do
	server_stop "many$i"
done

check "remove by address" vuserctl remove $A
check "the removed device is gone" test ! -e "$MDEVS/$dev"
unset "UUID[dev]"
check "removing a device that does not exist fails" says "there is no device" vuserctl remove $A

# The module is unloaded and loaded again while the helper runs.
if [ -n "$module_loaded" ]; then
	vuserctl remove "$uuid" && vuserctl remove "$nobody"
	unset "UUID[plain]" "UUID[nobody]"
	check "the module can be unloaded" rmmod vuser
	check "vuserctl without the module says how to load it" says "modprobe vuser" \
		vuserctl list
	check "the module is loaded again" "$TOP/lab/vm/insmod"
	check "the helper serves the module that was loaded again" eval 'UUID[dev]=$(vuserctl create \
		--endpoint "$WORK/dev.sock" --wait=$SOON)'

	# The module is loaded while the helper cannot open anything.
	pid=$(cat "$WORK/vuserd.pid")
	vuserctl remove "${UUID[dev]}"
	prlimit --pid "$pid" --nofile=3:
	rmmod vuser && "$TOP/lab/vm/insmod"
	check "a helper without free descriptors logs that it tries again" \
		logged vuserd "cannot connect to the kernel, trying again"
	prlimit --pid "$pid" --nofile=1024:
	check "the helper serves the module when it has descriptors again" eval \
		'UUID[dev]=$(vuserctl create --endpoint "$WORK/dev.sock" \
			--wait=$SOON)'

	# The module is loaded while the helper cannot receive the notification.
	vuserctl remove "${UUID[dev]}"
	kill -STOP "$pid"
	check "the helper's socket is full" \
		"$CONSUMERS/netlink_flood.py" "$pid"
	rmmod vuser && "$TOP/lab/vm/insmod"
	kill -CONT "$pid"
	check "a helper that missed the notification serves the module" eval \
		'UUID[dev]=$(vuserctl create --endpoint "$WORK/dev.sock" \
			--wait=$SOON)'
fi
finish
