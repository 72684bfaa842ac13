#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Linux's own virtio drivers, in User-Mode Linux, use devices of vuser-vhost: a disk of
# qemu-storage-daemon, a network card of dpdk-testpmd and a file system of virtiofsd.

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

IMAGE=$WORK/disk.img
SHARED=$WORK/shared
MAC=52:54:00:12:34:56

# address NAME: the options of the storage daemon for a socket.
address()
{
	echo "addr.type=unix,addr.path=$WORK/$1.back"
}

storage()
{
	truncate -s 32M "$IMAGE"
	qemu-storage-daemon --daemonize --pidfile "$WORK/storage.pid" \
		--blockdev driver=file,filename="$IMAGE",node-name=disk \
		--export "type=vhost-user-blk,id=export,node-name=disk,writable=on,$(address blk)"
}

# testpmd answers ARP and ping. It polls, so it only runs while the card is tested, and in the
# class SCHED_IDLE, so that others run first. It ends when it reads a line.
network()
{
	mkfifo "$WORK/testpmd.in"
	exec {TESTPMD_IN}<> "$WORK/testpmd.in"
	chrt --idle 0 dpdk-testpmd --no-pci --no-huge -m 64 --no-telemetry --lcores "(0,1)@0" \
		--file-prefix "uml$$" --vdev "net_vhost0,iface=$WORK/net.back" -- \
		--forward-mode=icmpecho --auto-start --no-flush-rx \
		--total-num-mbufs=2048 < "$WORK/testpmd.in" > "$WORK/testpmd.log" 2>&1 &
	TESTPMD=$!
	SERVER[net]=$TESTPMD
	timeout "$SOON" bash -c "until [ -S '$WORK/net.back' ]; do sleep 0.1; done" && return
	cat "$WORK/testpmd.log"
	return 1
}

files()
{
	mkdir "$SHARED"
	head -c 1M /dev/urandom > "$SHARED/outside"
	/usr/libexec/virtiofsd --socket-path "$WORK/fs.back" --shared-dir "$SHARED" \
		--tag files --sandbox chroot > "$WORK/virtiofsd.log" 2>&1 &
	SERVER[fs]=$!
	timeout "$SOON" bash -c "until [ -S '$WORK/fs.back' ]; do sleep 0.1; done"
}

# create NAME SPECIFICATION: create a device behind a vuser-vhost of its own.
create()
{
	UUID[$1]=$(vuserctl create --wait --vhost "$2") && device_of "$1"
}

# The storage daemon has no cache of its own: the file has what was flushed.
disk_outside()
{
	e2fsck -f -n "$IMAGE" && debugfs -R "dump /inside $WORK/dumped" "$IMAGE" &&
		cmp "$WORK/written" "$WORK/dumped"
}

# testpmd prints its numbers when it ends: two rounds of 20 pings, and ARP.
network_outside()
{
	echo >&"$TESTPMD_IN"
	wait "$TESTPMD" || return
	unset "SERVER[net]"
	tail -n 20 "$WORK/testpmd.log"
	[ "$(sed -n 's/.*TX-packets: *\([0-9]*\).*/\1/p' "$WORK/testpmd.log" | tail -n 1)" \
		-ge 41 ]
}

# (pidwait would fail for a process that has ended.)
stop_storage()
{
	local pid

	pid=$(cat "$WORK/storage.pid") && kill "$pid" &&
		timeout "$SOON" tail --pid="$pid" -s 0.1 -f /dev/null
}

remove()
{
	vuserctl remove "${UUID[$1]}" && unset "UUID[$1]"
}

check "the module and the helper start" vuser_up || finish
check "qemu-storage-daemon exports a disk" storage || finish
check "virtiofsd starts" files || finish
check "the disk attaches" create blk "blk:$WORK/blk.back" || finish
check "the file system attaches" create fs "fs:$WORK/fs.back" || finish
uml_tap "virtio:" blk,fs "$CONSUMERS/uml/virtio.sh" "$WORK" files \
	"$(sha256sum < "$SHARED/outside" | cut -d ' ' -f 1)"
check "no DMA region stays mapped (blk)" test "$(counter blk dma-regions)" = 0
check "no DMA region stays mapped (fs)" test "$(counter fs dma-regions)" = 0
check "the disk is removed" remove blk
check "the file system is removed" remove fs
check "the disk's image has the file" disk_outside
check "the shared directory has the file" cmp "$WORK/written" "$SHARED/inside"
check "qemu-storage-daemon ends" stop_storage
check "dpdk-testpmd starts" network || finish
check "the card attaches" create net "net:$WORK/net.back,mac=$MAC" || finish
uml_tap "network:" net "$CONSUMERS/uml/virtio-net.sh" 10.99.0.1 "$MAC"
check "no DMA region stays mapped (net)" test "$(counter net dma-regions)" = 0
check "the card is removed" remove net
check "testpmd has answered each ping" network_outside
tested "Linux virtio_blk $(uml_version)" "qemu-storage-daemon $(version_of qemu-utils)"
tested "Linux virtio_net $(uml_version)" "DPDK net_vhost $(version_of dpdk)"
tested "Linux virtiofs $(uml_version)" "virtiofsd $(version_of virtiofsd)"
finish
