#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A QEMU migrates a Linux guest to another QEMU, under load: a guest with a disk of
# qemu-storage-daemon through vuser-vhost, and one with a vuser-ioat. QEMU migrates a guest with
# two VFIO devices only if both can be in the state RUNNING_P2P.

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

IMAGE=$WORK/disk.img
# Each request waits for the ones before: the disk of the first daemon always has requests, also
# when it stops. The daemon completes them after its reply to GET_VRING_BASE.
SLOW=limits.iops-total=2

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

# slow_down PID: give a process a twentieth of a processor.
slow_down()
{
	echo +cpu > /sys/fs/cgroup/cgroup.subtree_control && mkdir -p "$SLOW_GROUP" &&
		echo "1000 20000" > "$SLOW_GROUP/cpu.max" &&
		echo "$1" > "$SLOW_GROUP/cgroup.procs"
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

# migrate NAME [ARGUMENT...]: migrate a guest that uses the device NAME-from.
migrate()
{
	local name=$1 side

	"$CONSUMERS/qemu/migrate_guest.py" "$BUILD/guest" "${UUID[$name-from]}" \
		"${UUID[$name-to]}" "$@" > "$WORK/$name.tap" 2> "$WORK/$name.log"
	grep '^# ' "$WORK/$name.tap"
	cat "$WORK/$name.log" >> "$WORK/$name.tap"
	retap "$name:" "$WORK/$name.tap"
	for side in from to; do
		check "no DMA region of $name-$side stays mapped" \
			test "$(counter "$name-$side" dma-regions)" = 0
		check "$name-$side is removed" device_down "$name-$side"
	done
}

qemu="Linux in QEMU, vfio-pci $(version_of qemu-system-x86)"

migrate_disk()
{
	check "an image is made" truncate -s 4M "$IMAGE"
	check "a slow storage daemon starts" back_end from $SLOW || finish
	check "another storage daemon starts" back_end to || finish
	devices_up disk vuser-vhost --device blk --back-end "$WORK/%SIDE-back.sock" --socket
	migrate disk "$PROGS/blocks" "$IMAGE"
	kill "$(cat "$WORK/from-back.pid")" "$(cat "$WORK/to-back.pid")"
	tested "$qemu" "qemu-storage-daemon $(version_of qemu-utils)"
}

check "the module and the helper start" vuser_up || finish
migrate_disk
devices_up ioat vuser-ioat -s
check "the first server gets little of a processor" slow_down "${SERVER[ioat-from]}"
migrate ioat
rmdir "$SLOW_GROUP"

tested "$qemu" vuser-ioat
finish
