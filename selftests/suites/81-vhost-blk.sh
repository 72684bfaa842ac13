#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# labs: 6.12 debug
# timeout: 450
#
# qemu-storage-daemon's vhost-user-blk export as a disk for qemu-io and qemu-img
# by way of QEMU's virtio-blk-vfio-pci (libblkio, which Debian 12 does not have),
# vuser and vuser-vhost.

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

IMAGE=$WORK/disk.img
BACK=$WORK/back.sock
SIZE=$((64 << 20))

# back_end [NODE]: NODE "slow" takes a MiB a second.  Pages of vuser's own file can
# only be reached through the page cache: no cache.direct.
back_end()
{
	local pid=$WORK/back.pid

	rm -f "$BACK" "$pid"
	qemu-storage-daemon --daemonize --pidfile "$pid" \
		--chardev socket,id=monitor,path="$WORK/qmp.sock",server=on,wait=off \
		--monitor chardev=monitor \
		--object throttle-group,id=limit,limits.bps-write=1048576 \
		--blockdev driver=file,filename="$IMAGE",node-name=disk,discard=unmap \
		--blockdev driver=throttle,throttle-group=limit,file=disk,node-name=slow \
		--export type=vhost-user-blk,id=export,node-name="${1:-disk}",writable=on,addr.type=unix,addr.path="$BACK",num-queues=4,logical-block-size=512
}

# qmp COMMAND-JSON: one command for the storage daemon.
qmp()
{
	printf '%s\n' '{"execute":"qmp_capabilities"}' "$1" |
		socat -t 10 - UNIX-CONNECT:"$WORK/qmp.sock" > "$WORK/qmp.log"
	cat "$WORK/qmp.log"
	[ "$(grep -c '"return"' "$WORK/qmp.log")" = 2 ]
}

# What qemu-io and qemu-img call the device.
disk()
{
	echo "driver=virtio-blk-vfio-pci,path=$MDEVS/${UUID[blk]},cache.direct=on"
}

# io FILE-OPTIONS... -- COMMAND...: qemu-io's commands, which tells of what went
# wrong by its output only.
io()
{
	local file=() args=() command out

	while [ "$1" != -- ]; do
		file+=("$1")
		shift
	done
	for command in "${@:2}"; do
		args+=(-c "$command")
	done
	out=$(timeout 60 qemu-io "${args[@]}" "${file[@]}" 2>&1) ||
		{ echo "$out"; return 1; }
	echo "$out"
	! grep -qiE 'failed|error|different' <<< "$out"
}

on_disk()
{
	io --image-opts "$(disk)" -- "$@"
}

# The same on the image, past the device.
in_file()
{
	io -f raw "$IMAGE" -- "$@"
}

# ask COMMAND: of the session; what qemu-io says before it prompts again.
ask()
{
	echo "$1" >&"${QEMU_IO[1]}"
	read -r -d '>' -t "$SOON" answer <&"${QEMU_IO[0]}"
	echo "$1: $answer"
}

# A new size, in the middle of a session.  QEMU only asks for it when it is to
# change the size, which it cannot: so ask until the size wanted is the one.
resize()
{
	local answer before after tries

	coproc QEMU_IO { stdbuf -oL qemu-io --image-opts "$(disk)" 2>&1; }
	read -r -d '>' -t "$SOON" answer <&"${QEMU_IO[0]}"
	ask length
	before=$answer
	qmp '{"execute":"block_resize","arguments":
		{"node-name":"disk","size":100663296}}'
	for ((tries = 0; tries < 100; tries++)); do
		ask "truncate 96M"
		ask length
		after=$answer
		[[ $after != *"96 MiB"* ]] || break
	done
	echo quit >&"${QEMU_IO[1]}"
	wait "$QEMU_IO_PID"
	[[ $before == *"64 MiB"* && $after == *"96 MiB"* ]]
}

# (pidwait fails for what has ended already.)
kill_back_end()
{
	local pid

	pid=$(cat "$WORK/back.pid")
	kill -KILL "$pid" &&
		timeout "$SOON" tail --pid="$pid" -s 0.1 -f /dev/null
}

# A storage daemon that is slow in its place, for the next program.
slow_back_end()
{
	kill_back_end
	back_end slow
}

# It dies in the middle of writes: one is done, and no other can be for a while.
# libblkio does not look whether its device asks for a reset, so the program waits
# for the rest; it is ended, and the next one opens the disk anew.
kill_in_writes()
{
	local line i pid status

	on_disk "write -P 0x33 8M 1M" flush || return
	coproc QEMU_IO { exec stdbuf -oL qemu-io --image-opts "$(disk)" 2>&1; }
	for ((i = 0; i < 32; i++)); do
		echo "aio_write -P 0x44 $((16 * 1024 + i * 128))k 128k"
	done >&"${QEMU_IO[1]}"
	pid=$QEMU_IO_PID
	while read -r -t "$SOON" line <&"${QEMU_IO[0]}"; do
		echo "$line"
		[[ $line != *wrote* ]] || break
	done
	kill_back_end && back_end
	status=$?
	# 137: it was there to be killed.
	kill -KILL "$pid"
	wait "$pid"
	[ $? = 137 ] && [ $status = 0 ] && [[ $line == *wrote* ]] &&
		grep "the driver must reset the device" "$WORK/blk.log"
}

# The whole of an image by way of the device, there and back.
images()
{
	head -c 16M /dev/urandom > "$WORK/source.img" &&
		timeout "$SOON" qemu-img convert -f raw -n --target-image-opts \
			"$WORK/source.img" "$(disk)" &&
		timeout "$SOON" qemu-img compare --image-opts \
			"driver=raw,size=16M,file.driver=file,file.filename=$WORK/source.img" \
			"driver=raw,size=16M,file.driver=virtio-blk-vfio-pci,file.path=$MDEVS/${UUID[blk]},file.cache.direct=on"
}

# A program that finds no registers to map makes system calls: each doorbell is one, and
# reaches the back-end without vuser-vhost, too.
without_mapped_registers()
{
	local stores events
	stores=$(counter blk trap-store)
	events=$(counter blk ioeventfd)
	vuserctl set --mmap sparse "${UUID[blk]}" &&
		on_disk "write -P 0x99 40M 1M" flush "read -P 0x99 40M 1M" ||
		return
	vuserctl show "${UUID[blk]}"
	[ "$(counter blk trap-store)" = "$stores" ] &&
		[ "$(counter blk ioeventfd)" -gt "$events" ]
}

vectors()
{
	[ "$(vuserctl -j show "${UUID[blk]}" |
		jq '.irq[] | select(.index == 2).count')" = "$1" ]
}

# A back-end that keeps track of what is in flight; it dies at the step POINT.
# shellcheck disable=SC2120 # check calls it with one
tracking_back_end()
{
	daemon tracking vuser-vhost-blk --blk-file="$IMAGE" \
		--socket-path="$BACK" --num-queues=4 "$@"
}

# Writes, many at once, and in the middle of them the back-end dies and is started
# anew.  The program is to notice nothing.
crash_in_writes()
{
	local i writes=() reads=() program

	for ((i = 0; i < 32; i++)); do
		writes+=("aio_write -P $((i + 1)) $((i * 128))k 128k")
		reads+=("read -P $((i + 1)) $((i * 128))k 128k")
	done
	on_disk "${writes[@]}" aio_flush flush "${reads[@]}" &
	program=$!
	timeout "$SOON" pidwait -F "$WORK/tracking.pid" || {
		echo "it did not die"
		wait $program
		cat /run/vuser-vhost/*.log
		return 1
	}
	tracking_back_end || return
	wait $program && return
	cat /run/vuser-vhost/*.log "$WORK/tracking.log"
	return 1
}

by_vuserctl()
{
	UUID[blk]=$(vuserctl create --wait --vhost "blk:$BACK,queues=2") &&
		vuserctl show "${UUID[blk]}"
}

# Neither device nor process stay.
none_by_vuserctl()
{
	! vuserctl create --wait --vhost "blk:$WORK/none.sock" \
		2> "$WORK/none" || return
	cat "$WORK/none"
	grep -q "No such file" "$WORK/none" && [ -z "$(ls "$MDEVS")" ] &&
		[ -z "$(ls /run/vuser-vhost)" ]
}

truncate -s $SIZE "$IMAGE"
check "the module and the helper start" vuser_up || finish
check "qemu-storage-daemon exports a disk" back_end || finish
check "the device attaches" \
	device_up blk vuser-vhost --device blk --back-end "$BACK" --socket || finish
check "it has four queues, and an interrupt for each and its configuration" \
	vectors 5
check "write patterns, read and verify" on_disk \
	"write -P 0xa5 0 1M" "write -P 0x5a 1M 4k" "write -P 0x11 33M 64k" \
	"read -P 0xa5 0 1M" "read -P 0x5a 1M 4k" "read -P 0 1028k 4k" \
	"read -P 0x11 33M 64k" flush
check "what was flushed is in the file" in_file \
	"read -P 0xa5 0 1M" "read -P 0x5a 1M 4k" "read -P 0x11 33M 64k"
before=$(stat -c %b "$IMAGE")
check "write zeroes and discard" on_disk \
	"write -z 256k 128k" "read -P 0 256k 128k" "read -P 0xa5 384k 640k" \
	"read -P 0xa5 0 256k" "discard 512k 512k" "read -P 0xa5 0 256k"
check "discard gives the blocks back" test \
	"$(stat -c %b "$IMAGE")" -lt "$before"
check "a new size is seen" resize
check "an image is written and compared by qemu-img" images
check "with mmap=sparse, doorbells are system calls" without_mapped_registers
check "the registers are mapped again" vuserctl set --mmap auto "${UUID[blk]}"
check "a slow storage daemon takes its place" slow_back_end
check "it is killed in the middle of writes, and started anew" kill_in_writes
check "what was flushed is there when the disk is opened again" on_disk \
	"read -P 0x33 8M 1M" "read -P 0x11 33M 64k" "write -P 0x77 95M 4k"
check "the image is as it was" in_file "read -P 0x33 8M 1M" \
	"read -P 0x77 95M 4k"
check "nothing stays mapped" test "$(counter blk dma-regions)" = 0
check "the device is removed" device_down blk
kill_back_end

check "a back-end that tracks what is in flight starts" \
	tracking_back_end --crash=used:5
check "vuserctl makes the whole chain" by_vuserctl
check "it dies in the middle of writes, which nobody notices" crash_in_writes
check "nothing was lost" in_file "read -P 1 0 128k" "read -P 32 3968k 128k"
check "vuserctl takes the chain away" vuserctl remove "${UUID[blk]}"
check "no vuser-vhost stays" test -z "$(pidof vuser-vhost)"
check "a back-end that is none is told of" none_by_vuserctl
daemon_stop tracking
finish
