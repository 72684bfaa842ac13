#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# labs: 6.12 debug
# timeout: 300
#
# vuserctl and vuserd as a person uses them: what they print, what they say when
# something is wrong, and that the helper gets over whatever happens to it.

# shellcheck disable=SC2016,SC2317 # what check evaluates and calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

A=5655:0b:00.0
DIR=/sys/bus/pci/devices/$A

# is EXPECTED COMMAND...: standard output is that.
is()
{
	local want=$1 got

	shift
	got=$("$@") || return
	[ "$got" = "$want" ] || { echo "got '$got', not '$want'"; return 1; }
}

# says PATTERN COMMAND...: it fails, and says so.
says()
{
	local pattern=$1 text

	shift
	if text=$("$@" 2>&1); then
		echo "it succeeded"
		return 1
	fi
	echo "$text"
	grep -q -- "$pattern" <<< "$text"
}

# field DEVICE NAME: as JSON has it.
field()
{
	vuserctl -j show "$1" | jq -r --arg name "$2" '.[$name]'
}

# until_is ATTRIBUTE VALUE: of the device under test.
until_is()
{
	"$CONSUMERS/mdev_wait.py" "${UUID[dev]}" "$1" "$2" "$SOON"
}

# logged NAME TEXT: the daemon says that, by and by.
logged()
{
	grep -q -m 1 "$2" < <(timeout "$SOON" tail -n +1 -F "$WORK/$1.log")
}

in_view()
{
	vuserctl exec -- "$@"
}

check "the module and the helper start" vuser_up || finish

# Creating.
uuid=$(cat /proc/sys/kernel/random/uuid)
check "create prints the UUID" is "$uuid" vuserctl create --uuid "$uuid"
UUID[plain]=$uuid
check "create a second time fails" says "already exists" \
	vuserctl create --uuid "$uuid"
check "no UUID" says "is not a UUID" vuserctl create --uuid 1234
check "a setting that is none" says "auto, trap, sparse" \
	vuserctl create --mmap all
count=$(vuserctl -j list | jq length)
check "a setting that the kernel refuses leaves no device" says "PCI address" \
	vuserctl create --pci-address 5655:00:20.0
check "it left none" is "$count" eval "vuserctl -j list | jq length"
check "a wait that is no number" says "not a number of seconds" \
	vuserctl create --endpoint "$WORK/nobody" --wait=5x
check "nor a negative one" says "not a number of seconds" \
	vuserctl create --endpoint "$WORK/nobody" --wait=-1
check "--wait needs an endpoint" says "endpoint" vuserctl create --wait
check "--wait says why there is no server" says "start the server" \
	vuserctl create --endpoint "$WORK/nobody" --wait=1
nobody=$(vuserctl -j list | jq -r --arg path "$WORK/nobody" \
	'.[] | select(.endpoint == $path) | .uuid')
UUID[nobody]=$nobody
check "list shows the device without a server" eval \
	'vuserctl list | grep -q "^$nobody  created "'
check "show says why" eval 'vuserctl show "$nobody" | grep -q "^error: .*socket does not exist"'

# A server, and all that is told of its device.
serve dev vuser-testdev
check "create --wait attaches" eval 'UUID[dev]=$(vuserctl create \
	--endpoint "$WORK/dev.sock" --pci-address $A --mmap trap --wait=$SOON)'
dev=${UUID[dev]}
check "by UUID" is attached field "$dev" state
check "by address" is "$dev" field $A uuid
check "the setting was made" is trap field $A mmap
check "regions are told" eval \
	'vuserctl -j show $A | jq -e ".region[] | select(.index == 0).size == 16384"'
check "interrupts are told" eval \
	'vuserctl -j show $A | jq -e ".irq[] | select(.index == 2).count > 0"'
check "no such device" says "there is no device" vuserctl show 5655:0b:00.1
check "nor by UUID" says "there is no device" \
	vuserctl show 00000000-0000-0000-0000-000000000000

# Settings.
check "set" vuserctl set --request-timeout-ms 4321 --reset never $A
check "both were set" is "4321 never" eval \
	'vuserctl -j show $A | jq -r "\"\\(.[\"request-timeout-ms\"]) \\(.reset)\""'
check "sysfs has the same" is 4321 cat "$MDEVS/$dev/vuser/request_timeout_ms"
check "out of range" says "out of range" vuserctl set --request-timeout-ms 1 $A
check "an address that is taken" says "taken" \
	vuserctl set --pci-address "$(field "$uuid" pci-address)" $A
check "others may not" says "permission denied" \
	setpriv --reuid 65534 --clear-groups --bounding-set=-all \
	--inh-caps=-all vuserctl set --mmap auto $A
check "but look" setpriv --reuid 65534 --clear-groups \
	--bounding-set=-all --inh-caps=-all vuserctl list

# The view.
check "vendor" is 0x5655 in_view cat $DIR/vendor
check "device" is 0x7e57 in_view cat $DIR/device
check "class" is 0xff0000 in_view cat $DIR/class
check "config" is 56557e57 eval \
	'in_view od -An -tx2 -N4 $DIR/config | tr -d " "'
check "BAR 0" eval "in_view sed -n 1p $DIR/resource |
	grep -Eq '^0x[0-9a-f]{12}0000 0x[0-9a-f]{12}3fff 0x[0-9a-f]{13}2[0-9a-f]{2}\$'"
check "driver" is /sys/bus/pci/drivers/vfio-pci \
	in_view readlink -f $DIR/driver
check "iommu_group" is "/sys/kernel/iommu_groups/$(field $A group)" \
	in_view readlink -f $DIR/iommu_group
for real in /sys/bus/pci/devices/0000:*; do
	check "the real device ${real##*/} is there" is "$(cat "$real/vendor")" \
		in_view cat "$real/vendor"
	break
done
check "SYSFS_PCI_DEVICES" is /sys/bus/pci/devices \
	in_view printenv SYSFS_PCI_DEVICES
check "whoever it runs as sees it, whatever the umask" eval \
	'(umask 077; in_view setpriv --reuid 65534 --clear-groups cat $DIR/vendor)'
check "the program has its own umask" is 0027 eval \
	'umask 027; in_view sh -c umask'
check "it is read-only" eval '! in_view sh -c "echo x > $DIR/vendor" 2> /dev/null'
check "nobody else sees it" test ! -e $DIR
check "a device without a server is not in it, and that is said" eval \
	'vuserctl exec true 2>&1 | grep -q "$nobody is not shown"'
in_view sh -c 'exit 42' 2> /dev/null
check "the exit status is the program's" test $? = 42
vuserctl exec -- /no/such/program 2> /dev/null
check "no such program" test $? = 127

# Counters: opening is not needed, the helper's reads do not count.
check "stats" eval 'vuserctl stats $A | grep -q "^region-read *[0-9]"'
check "stats to the last counter" eval 'vuserctl stats $A | grep -q "^unsent *0$"'
check "stats prints a name for every counter" \
	eval '! vuserctl stats $A | grep -qv "^[a-z-]* *[0-9]*$"'
check "stats as JSON" eval 'vuserctl -j stats $A | jq -e ".[\"dma-map\"] == 0"'
check "rates end after their count" is "2" eval \
	'vuserctl -j stats -i 0.01 -n 2 $A | jq -s length'
check "no interval" says "not a number of seconds" vuserctl stats -i 0 $A

# Servers that come and go.
check "another endpoint takes effect when the device is not open" eval \
	'vuserctl set --endpoint "$WORK/other.sock" $A && until_is state created'
serve other vuser-testdev
check "it attaches where it is now" until_is state attached
server_stop other
check "a lost server is noticed" until_is state created
check "and the reason is shown" eval \
	'vuserctl show $A | grep -Eq "^error: .*(is gone|does not exist|no server is listening)"'
touch "$WORK/file"
vuserctl set --endpoint "$WORK/file" $A
check "an endpoint that is no socket" until_is error \
	"cannot connect to $WORK/file: it is not a socket: set the endpoint to the server's socket"
vuserctl set --endpoint "$WORK/dev.sock" $A
check "it attaches to the first again" until_is state attached

# A directory of a user's, who would like to have another one's device.
mkdir "$WORK/tenant"
ln -s ../dev.sock "$WORK/tenant/sock"
chown -hR 65534 "$WORK/tenant"
vuserctl set --endpoint "$WORK/tenant/sock" $A
check "a user's link to another's socket is not followed" eval \
	'until_is state created && vuserctl show $A | grep -q "symbolic link"'
vuserctl set --endpoint "$WORK/dev.sock" $A
check "the socket itself is" until_is state attached

# The helper.
pid=$(cat "$WORK/vuserd.pid" 2> /dev/null)
if [ -n "$pid" ]; then
	owner=$(field $A owner)
	kill -9 "$pid"
	pidwait -F "$WORK/vuserd.pid"
	check "no owner after a kill" is 0 field $A owner
	check "the device stays" is attached field $A state
	check "show says that there is no helper" eval \
		'vuserctl show $A | grep -q "start vuserd"'
	check "it starts again" daemon vuserd vuserd --foreground
	check "and owns the device" test "$(field $A owner)" -gt 0
	check "it is another one" test "$(field $A owner)" != "$owner"
	vuserctl set --endpoint "$WORK/away.sock" $A
	check "a device taken over follows a new endpoint" \
		until_is state created
	vuserctl set --endpoint "$WORK/dev.sock" $A
	check "and back" until_is state attached
	check "it holds no descriptor of a device" test \
		"$(find "/proc/$(cat "$WORK/vuserd.pid")/fd" | wc -l)" -lt 20
fi

# Many.
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
check "24 devices go" test ! -e "$WORK/stays"
for i in {1..24}; do
	server_stop "many$i"
done

check "remove by address" vuserctl remove $A
check "it is gone" test ! -e "$MDEVS/$dev"
unset "UUID[dev]"
check "remove what is not there" says "there is no device" vuserctl remove $A

# The module goes and comes under a helper that runs.
if [ -n "$module_loaded" ]; then
	vuserctl remove "$uuid" && vuserctl remove "$nobody"
	unset "UUID[plain]" "UUID[nobody]"
	check "the module can be unloaded" rmmod vuser
	check "without it the next step is said" says "modprobe vuser" \
		vuserctl list
	check "it is loaded again" "$TOP/lab/vm/insmod"
	check "the helper serves it again" eval 'UUID[dev]=$(vuserctl create \
		--endpoint "$WORK/dev.sock" --wait=$SOON)'

	# It comes when the helper can do nothing with it.
	pid=$(pidof vuserd)
	vuserctl remove "${UUID[dev]}"
	prlimit --pid "$pid" --nofile=3:
	rmmod vuser && "$TOP/lab/vm/insmod"
	check "a helper without descriptors says so" \
		logged vuserd "cannot connect to the kernel, trying again"
	prlimit --pid "$pid" --nofile=1024:
	check "and serves the module when it has some" eval \
		'UUID[dev]=$(vuserctl create --endpoint "$WORK/dev.sock" \
			--wait=$SOON)'

	# It comes when the helper cannot hear of it.
	vuserctl remove "${UUID[dev]}"
	kill -STOP "$pid"
	check "the helper's socket is full" \
		"$CONSUMERS/netlink_flood.py" "$pid"
	rmmod vuser && "$TOP/lab/vm/insmod"
	kill -CONT "$pid"
	check "a helper that missed the module's coming serves it" eval \
		'UUID[dev]=$(vuserctl create --endpoint "$WORK/dev.sock" \
			--wait=$SOON)'
fi
finish
