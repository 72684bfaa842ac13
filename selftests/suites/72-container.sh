#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Containers of Debian's podman get vuser devices by name, with the specification that
# vuserctl cdi prints. The containers have the files of this machine, no network, and
# only the device nodes that they are given.

# shellcheck disable=SC2016 # strings that check evaluates
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"
# shellcheck source=../consumers/dpdk/autotest.sh
. "$CONSUMERS/dpdk/autotest.sh"

SPEC=/run/cdi/vuser.json

# container OPTION... -- COMMAND...: run COMMAND in a container.
container()
{
	local options=()

	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	podman --root "$WORK/podman" --runroot "$WORK/podman-run" --storage-driver vfs \
		run --rm --network none --cgroups disabled --ulimit memlock=-1 \
		--volume /usr:/usr:ro --volume /etc:/etc:ro "${options[@]}" \
		--rootfs "$WORK/rootfs" "$@"
}

# prints TEXT COMMAND...: the words that the command prints are TEXT.
prints()
{
	local want=$1 got

	shift
	got=$("$@" | xargs)
	[ "$got" = "$want" ] || { echo "got '$got', not '$want'"; return 1; }
}

# refused PATTERN COMMAND...: the command fails, and its output matches PATTERN.
refused()
{
	local pattern=$1 text

	shift
	! text=$("$@" 2>&1) && grep -q -- "$pattern" <<< "$text" || { echo "$text"; return 1; }
}

# specify DEVICE...: write the specification of the devices where podman looks for it.
specify()
{
	mkdir -p /run/cdi
	vuserctl cdi "$@" > $SPEC
}

# has CONDITION: a condition of jq is true for the specification.
has()
{
	jq -e "$1" $SPEC > /dev/null || { cat $SPEC; return 1; }
}

mkdir -p "$WORK/rootfs"/{usr,etc,dev,proc,sys,tmp,run,var}
ln -s ../run "$WORK/rootfs/var/run"
for dir in bin lib lib64 sbin; do
	ln -s "usr/$dir" "$WORK/rootfs/$dir"
done

check "the module and the helper start" vuser_up || finish
check "cdi fails if no device has a server" refused "no device has a server" specify
check "the device used attaches" device_up used vuser-ioat -s || finish
check "the other device attaches" device_up other vuser-ioat -s || finish
USED=vuser/pci=${BDF[used]}
GROUP=$(vuserctl -j show "${BDF[used]}" | jq .group)

check "cdi describes all devices" specify
check "each device has a name, a node and a directory" has \
	'[.devices[] | .name, .containerEdits.deviceNodes[].path,
	  .containerEdits.mounts[].containerPath] | length == 6'
check "cdi describes only the device that is named" eval \
	'specify ${BDF[used]} && has "[.devices[].name] == [\"${BDF[used]}\"]"'
check "cdi reports a device that does not exist" refused "there is no device" \
	specify 5655:1f:00.0
check "cdi reports a relative directory" refused "absolute path" \
	vuserctl cdi --directory pci
check "both devices are described again" specify

check "a container without devices has no node of VFIO" refused \
	"cannot access '/dev/vfio'" container -- ls /dev/vfio
check "a container sees the device that was given, and no other" prints "${BDF[used]}" \
	container --device "$USED" -- ls /run/vuser/pci
check "a container has the node of this device's group, and no other" prints "$GROUP vfio" \
	container --device "$USED" -- ls /dev/vfio
check "a container gets several devices" prints "${BDF[used]} ${BDF[other]}" \
	container --device "$USED" --device "vuser/pci=${BDF[other]}" -- ls /run/vuser/pci
check "a container cannot change the files of a device" refused "Read-only file system" \
	container --device "$USED" -- touch "/run/vuser/pci/${BDF[used]}/vendor"
check "podman refuses a device that the specification lacks" refused "unresolvable" \
	container --device vuser/pci=5655:1f:00.0 -- true

# autotest FILE: run dmadev_autotest in a container; the output goes to FILE. The test
# polls, so it runs with idle priority: see dpdk_autotest.
autotest()
{
	container --env DPDK_TEST=dmadev_autotest --device "$USED" -- \
		chrt --idle 0 dpdk-test -l 0 -a "${BDF[used]}" --no-huge -m 64 \
		--no-telemetry < /dev/null > "$1" 2>&1
}

# driven: the test passes in a container, and it tested the device.
driven()
{
	local file=$WORK/dpdk.log

	dpdk_repeat "${BDF[used]}" "$file" autotest "$file" || dpdk_failed "$file"
}

check "DPDK drives the device in a container" driven
check "the other device was not used" test "$(counter other trap-store)" = 0

check "the devices are removed" eval 'device_down used && device_down other'
tested "DPDK in podman $(version_of podman)" vuser-ioat
finish
