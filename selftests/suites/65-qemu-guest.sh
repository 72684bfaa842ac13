#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A QEMU migrates a Linux guest to another QEMU, under load. The guest has a disk of
# qemu-storage-daemon through vuser-vhost, and a vuser-ioat. QEMU migrates a guest with two VFIO
# devices only if both have the state RUNNING_P2P.

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

IMAGE=$WORK/disk.img
# Each request waits for the ones before: the disk of the first daemon always has requests, also
# when it stops. The daemon would complete them after its reply to GET_VRING_BASE.
SLOW=limits.iops-total=4

# The control group of the first vuser-ioat: the guest gives it copies faster than it makes them.
SLOW_GROUP=/sys/fs/cgroup/slow

# back_end NAME [LIMITS]: start a storage daemon. Two daemons use one image, as two hosts use
# shared storage: the second daemon knows nothing of the first one. QEMU's lock would refuse the
# second daemon, which opens the image before the first one has ended. Only one of them writes
# at a time. Both use the host's page cache, so each sees what the other one has written.
back_end()
{
	qemu-storage-daemon --daemonize --pidfile "$WORK/$1-back.pid" \
		--object "throttle-group,id=limit${2:+,$2}" \
		--blockdev "driver=file,filename=$IMAGE,node-name=file,locking=off" \
		--blockdev driver=throttle,throttle-group=limit,file=file,node-name=disk \
		--export "type=vhost-user-blk,id=export,node-name=disk,writable=on,addr.type=unix,addr.path=$WORK/$1-back.sock"
}

# slow_down NAME: give a server a twentieth of a processor, and more time for its answers: on a
# loaded host, a twentieth is little.
slow_down()
{
	set_attr "$1" request_timeout_ms 600000 &&
		echo +cpu > /sys/fs/cgroup/cgroup.subtree_control && mkdir -p "$SLOW_GROUP" &&
		echo "1000 20000" > "$SLOW_GROUP/cpu.max" &&
		echo "${SERVER[$1]}" > "$SLOW_GROUP/cgroup.procs"
}

# devices_up NAME COMMAND...: two devices with a server each; %SIDE in the arguments is replaced.
devices_up()
{
	local name=$1 side

	shift
	for side in from to; do
		check "$name-$side attaches" device_up "$name-$side" "${@//%SIDE/$side}" || finish
	done
}

# devices_down NAME: both devices are gone without a trace.
devices_down()
{
	local side

	for side in from to; do
		check "no DMA region of $1-$side stays mapped" \
			test "$(counter "$1-$side" dma-regions)" = 0
		check "$1-$side is removed" device_down "$1-$side"
	done
}

migrate()
{
	"$CONSUMERS/qemu/migrate_guest.py" "$BUILD/guest" "${UUID[disk-from]}" "${UUID[disk-to]}" \
		"${UUID[ioat-from]}" "${UUID[ioat-to]}" "$PROGS/blocks" "$IMAGE" \
		> "$WORK/guest.tap" 2> "$WORK/guest.log"
	grep '^# ' "$WORK/guest.tap"
	cat "$WORK/guest.log" >> "$WORK/guest.tap"
	retap "guest:" "$WORK/guest.tap"
}

qemu="Linux in QEMU, vfio-pci $(version_of qemu-system-x86)"

check "the module and the helper start" vuser_up || finish
check "an image is made" truncate -s 4M "$IMAGE"
check "a slow storage daemon starts" back_end from $SLOW || finish
check "another storage daemon starts" back_end to || finish
devices_up disk vuser-vhost --device blk --back-end "$WORK/%SIDE-back.sock" --socket
devices_up ioat vuser-ioat -s
check "the first vuser-ioat gets little of a processor" slow_down ioat-from
migrate
devices_down disk
devices_down ioat
kill "$(cat "$WORK/from-back.pid")" "$(cat "$WORK/to-back.pid")"
rmdir "$SLOW_GROUP"

tested "$qemu" "qemu-storage-daemon $(version_of qemu-utils)"
tested "$qemu" vuser-ioat
finish
