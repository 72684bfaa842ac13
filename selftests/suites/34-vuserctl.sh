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

# status_is STATUS COMMAND...: the command ends with STATUS.
status_is()
{
	local want=$1 status=0

	shift
	"$@" || status=$?
	[ $status = "$want" ] || { echo "exit status $status, not $want"; return 1; }
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
for command in create remove list show set status monitor stats top save restore exec cdi replace; do
	check "$command --help needs no module" eval \
		"vuserctl $command --help | grep -q '^usage: vuserctl .*$command'"
done
check "help shows a command" eval "vuserctl help stats | grep -q 'usage:.*stats'"
check "help rejects an unknown command" says "unknown command 'stat'" vuserctl help stat
check "an unknown option is reported without the module" says "usage: vuserctl .*create" \
	vuserctl create --foo
check "a missing argument is reported without the module" says "usage: vuserctl .*remove" \
	vuserctl remove
check "status without the module says how to load it" eval \
	'vuserctl status | grep -q "^problem: .*modprobe vuser"'
check "status without the module ends with EX_UNAVAILABLE" status_is 69 vuserctl status
check "a command names the module that is not loaded" says "modprobe vuser" vuserctl list
check "the program of exec gets its own options" says "modprobe vuser" \
	vuserctl exec -- ls --help

check "the module and the helper start" vuser_up || finish

check "status reports that all is well" eval 'vuserctl status | grep -q "^all is well"'
check "status names the process of the helper" is "$(cat "$WORK/vuserd.pid")" eval \
	'vuserctl -j status | jq .helper.pid'

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
# shellcheck disable=SC2034 # check evaluates it
late=$(cat /proc/sys/kernel/random/uuid)
nobody=$(vuserctl -j list | jq -r --arg path "$WORK/nobody" \
	'.[] | select(.endpoint == $path) | .uuid')
UUID[nobody]=$nobody
check "list shows the device without a server and the reason" eval \
	'vuserctl list | grep -q "^$nobody  created .*socket does not exist.*start the server"'
check "list shows that a device has no endpoint" eval \
	'vuserctl list | grep -q "^$uuid  created .*there is no endpoint"'
check "list --no-headers shows devices only" is 2 eval 'vuserctl list --no-headers | wc -l'
check "list --state lists devices in this state only" is 2 eval \
	'vuserctl -j list --state created,open | jq length'
check "list --state prints nothing if no device is in this state" is "" \
	vuserctl list --state attached
check "status lists each problem" is "$(printf '%s\n' "$nobody" "$uuid" | sort)" eval \
	'vuserctl -j status | jq -r ".problems[].uuid" | sort'
check "status with a problem ends with EX_UNAVAILABLE" status_is 69 vuserctl status
check "creating a device twice ends with EX_CANTCREAT" status_is 73 \
	vuserctl create --uuid "$uuid"
check "create --wait without a server ends with EX_TEMPFAIL" eval \
	'status_is 75 vuserctl create --uuid "$late" --endpoint "$WORK/nobody" --wait=1 &&
		vuserctl remove "$late"'
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
check "show without a device shows all devices" is 3 eval 'vuserctl show | grep -c "^uuid: "'
check "show of two devices prints an array" is "$dev $uuid" eval \
	'vuserctl -j show $A "$uuid" | jq -r "map(.uuid) | join(\" \")"'
check "show prints the names of regions and of their flags" is "bar0 read,write" eval \
	'vuserctl -j show $A | jq -r ".region[0] | .name + \" \" +
		(.[\"flag-names\"][:2] | join(\",\"))"'
check "show of an unknown device ends with EX_NOINPUT" status_is 66 vuserctl show 5655:0b:00.1
check "show of an unknown PCI address fails" says "there is no device" vuserctl show 5655:0b:00.1
check "show of an unknown UUID fails" says "there is no device" \
	vuserctl show 00000000-0000-0000-0000-000000000000

# Settings.
check "set changes two settings" vuserctl set --request-timeout-ms 4321 --reset never $A
check "show prints both new settings" is "4321 never" eval \
	'vuserctl -j show $A | jq -r "\"\\(.[\"request-timeout-ms\"]) \\(.reset)\""'
check "sysfs has the new timeout" is 4321 cat "$MDEVS/$dev/vuser/request_timeout_ms"
check "set changes several devices" is "4322 4322" eval \
	'vuserctl -j set --request-timeout-ms 4322 $A "$uuid" |
		jq -r "map(.[\"request-timeout-ms\"] | tostring) | join(\" \")"'
check "set changes no device if one does not exist" is 4322 eval \
	'! vuserctl set --request-timeout-ms 4323 $A 5655:0b:00.1 &&
		field $A request-timeout-ms'
check "set rejects one PCI address for two devices" says "same address" \
	vuserctl set --pci-address 5655:0c:00.0 $A "$uuid"
check "set of a value that is out of range ends with EX_USAGE" status_is 64 \
	vuserctl set --request-timeout-ms 1 $A
check "set without CAP_SYS_ADMIN ends with EX_NOPERM" status_is 77 \
	setpriv --reuid 65534 --clear-groups --bounding-set=-all \
	--inh-caps=-all vuserctl set --mmap auto $A
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
		vuserctl list | grep "^$dev .*(run as root to see it)  -$"'
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

check "stats prints the counters of all devices" is 3 eval 'vuserctl stats | grep -c "^unsent "'
check "stats of all devices prints an array with names" is "$dev" eval \
	'vuserctl -j stats | jq -r --arg dev "$dev" ".[] | select(.uuid == \$dev) |
		select(.counters.unsent == 0) | .uuid"'
check "stats -i of all devices prints the addresses" eval \
	'vuserctl stats -i 0.01 -n 1 | grep -q "^$A  "'
check "top --once prints each device" is 4 eval 'vuserctl top --once -i 0.1 | wc -l'
check "top --once prints no escape sequences" eval '! vuserctl top --once -i 0.1 | grep -q "$(printf "\033")"'
check "top prints rates as JSON" eval \
	'vuserctl -j top -n 2 -i 0.1 | jq -se "length == 2 and (.[1] | map(.rates[\"dma-map\"]) | all(. == 0))"'
check "stats prints no latency of a server that answered nothing" eval \
	'! vuserctl stats $A | grep REPLIES && vuserctl -j stats $A | jq -e ".latency == []"'
check "top prints the latency as JSON" eval \
	'vuserctl -j top --once -i 0.1 | jq -e "length == 3 and all(.latency == [])"'
check "stats rejects a histogram of an interval" says "exclude each other" \
	vuserctl stats --histogram -i 1 $A
check "completion offers devices" eval \
	'vuserctl --complete show "${dev:0:8}" | grep -q "^$dev	attached, $A$"'

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
check "list shows the whole endpoint" eval 'vuserctl list | grep -q "$WORK/$long.sock  -\$"'
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

# Save and restore.
vuserctl set --pci-address 5655:0d:00.0 "$uuid"
check "save prints the settings of a device" is "trap" eval \
	'vuserctl save $A | jq -r ".[0].vuser[0][\"$dev\"].attrs | add | .[\"vuser/mmap\"]"'
vuserctl save > "$WORK/saved"
vuserctl -j list | jq -S 'map({uuid, endpoint, mmap, reset, "pci-address": .["pci-address"],
	"request-timeout-ms": .["request-timeout-ms"]}) | sort' > "$WORK/before"
check "restore rejects devices that exist" says "already exists" vuserctl restore "$WORK/saved"
check "remove removes several devices" vuserctl remove $A "$uuid" "$nobody"
check "all devices are removed" is 0 eval 'vuserctl -j list | jq length'
check "remove of several devices removes none if one does not exist" says "there is no device" \
	vuserctl remove "$uuid" $A
check "restore creates the devices again" is "$(printf '%s\n' "$dev" "$nobody" "$uuid" | sort)" eval \
	'vuserctl restore "$WORK/saved" | sort'
check "the restored devices have the same settings" is "$(cat "$WORK/before")" eval \
	'vuserctl -j list | jq -S "map({uuid, endpoint, mmap, reset, \"pci-address\": .[\"pci-address\"],
		\"request-timeout-ms\": .[\"request-timeout-ms\"]}) | sort"'
check "the restored device attaches" until_is state attached
mkdir -p /etc/mdevctl.d
check "mdevctl accepts what save prints" eval \
	'vuserctl save $A | jq ".[0].vuser[0][\"$dev\"]" > "$WORK/definition" &&
		mdevctl define --uuid "$dev" --parent vuser --jsonfile "$WORK/definition" &&
		mdevctl list --defined --dumpjson > "$WORK/dumped" &&
		mdevctl undefine --uuid "$dev"'
vuserctl remove $A
check "restore accepts what mdevctl prints" is "$dev" vuserctl restore "$WORK/dumped"
check "the device that mdevctl had defined attaches" until_is state attached
jq '.[0].vuser[0] |= map_values(.attrs = [{"vuser/mmap": "none"}])' "$WORK/dumped" > "$WORK/bad"
vuserctl remove $A
check "restore reports a setting that the kernel rejects" says "cannot set vuser/mmap" \
	vuserctl restore "$WORK/bad"
check "the device that was not restored is gone" test ! -e "$MDEVS/$dev"
vuserctl restore "$WORK/dumped"

# A device that a program has open.
consume()
{
	rm -f "$WORK/input"
	mkfifo "$WORK/input"
	"$CONSUMERS/vfio_open.py" "$dev" < "$WORK/input" > "$WORK/consumer" 2>&1 &
	consumer=$!
	exec {input}> "$WORK/input"
	until_is state open
}
serve next vuser-testdev
until [ -S "$WORK/next.sock" ] || ! kill -0 "${SERVER[next]}"; do
	sleep 0.1
done
check "replace fails if no program has the device open" says "the device is not open" eval \
	'until_is state attached && vuserctl replace --no-state $A "$WORK/next.sock"'
check "a program opens the device" eval 'until_is state attached && consume'
check "stats prints percentiles of each command that the server answered" eval \
	'vuserctl stats $A | grep -Eq "^ *[1-9][0-9]*( +<[0-9.]+[num]?s){4} +region-write *$"'
check "stats --histogram prints the buckets" eval \
	'vuserctl stats --histogram $A | grep -Eq "^region-write( +[0-9.]+[num]?s){2} +[1-9][0-9]*$"'
check "stats --histogram of all devices prints their names" is 1 eval \
	'vuserctl stats --histogram | grep -c "^pci-address: $A$"'
check "stats prints histograms as JSON" eval \
	'vuserctl -j stats $A | jq -e ".latency | length > 0 and
		all(.count > 0 and .count == (.buckets | map(.count) | add) and
			.[\"p50-below-ns\"] <= .[\"max-below-ns\"])"'
check "replace reports a server that does not listen" says "continues to serve the device" \
	vuserctl replace --no-state $A "$WORK/nobody"
check "replace reports a state that cannot move" says "cannot save the state" \
	vuserctl replace $A "$WORK/next.sock"
check "replace lets another server serve the device" eval \
	'vuserctl replace --no-state $A "$WORK/next.sock" | grep "replaced, accesses waited"'
check "the device has the endpoint of the new server" is "$WORK/next.sock" field $A endpoint
check "remove --timeout names the program and gives up" \
	says "process $consumer (.*) still has $dev open" vuserctl remove --timeout 1 $A
exec {input}>&-
wait $consumer
check "the removal goes on until the program has closed the device" eval \
	'pidwait -f "vuserctl remove --timeout"; test ! -e "$MDEVS/$dev"'
vuserctl restore "$WORK/dumped"
check "a program opens the device again" eval 'until_is state attached && consume'
check "remove --timeout 0 ends with EX_TEMPFAIL at once" eval \
	'status_is 75 vuserctl remove --timeout 0 $A'
exec {input}>&-
wait $consumer
pidwait -f "vuserctl remove --timeout"
vuserctl restore "$WORK/dumped"
check "a program opens the device once more" eval 'until_is state attached && consume'
check "remove --force names the program and ends it" eval \
	'vuserctl remove --force --timeout 1 $A 2>&1 | grep "ending process $consumer "'
exec {input}>&-
wait $consumer
check "the program was ended by SIGTERM" test $? = 143
check "the device that was open is gone" test ! -e "$MDEVS/$dev"
vuserctl restore "$WORK/dumped"

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
