#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# qemu-storage-daemon exports a disk by vhost-user-blk. qemu-io and qemu-img use the disk
# through vuser-vhost, vuser and QEMU's virtio-blk-vfio-pci (libblkio, which Debian 12 does
# not have).

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

IMAGE=$WORK/disk.img
BACK=$WORK/back.sock
SIZE=$((64 << 20))

# back_end [NODE]: start the storage daemon. NODE "slow" writes one MiB per second. Pages of
# vuser's own file are only reachable through the page cache, so there is no cache.direct.
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

# qmp COMMAND-JSON: send one command to the storage daemon.
qmp()
{
	printf '%s\n' '{"execute":"qmp_capabilities"}' "$1" |
		socat -t 10 - UNIX-CONNECT:"$WORK/qmp.sock" > "$WORK/qmp.log"
	cat "$WORK/qmp.log"
	[ "$(grep -c '"return"' "$WORK/qmp.log")" = 2 ]
}

# The name of the device for qemu-io and qemu-img.
disk()
{
	echo "driver=virtio-blk-vfio-pci,path=$MDEVS/${UUID[blk]},cache.direct=on"
}

# io FILE-OPTIONS... -- COMMAND...: run commands of qemu-io, which reports failures only in
# its output.
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

# Run commands of qemu-io on the image itself, without the device.
in_file()
{
	io -f raw "$IMAGE" -- "$@"
}

# ask COMMAND: send a command to the session and read the output up to the next prompt.
ask()
{
	echo "$1" >&"${QEMU_IO[1]}"
	read -r -d '>' -t "$SOON" answer <&"${QEMU_IO[0]}"
	echo "$1: $answer"
}

# Resize the disk in the middle of a session. QEMU only reads the new size when it is asked
# to change the size, which it cannot: so ask until it reports the new size.
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

# (pidwait would fail for a process that has ended already.)
kill_back_end()
{
	local pid

	pid=$(cat "$WORK/back.pid")
	kill -KILL "$pid" &&
		timeout "$SOON" tail --pid="$pid" -s 0.1 -f /dev/null
}

# Replace the storage daemon by a slow one.
slow_back_end()
{
	kill_back_end
	back_end slow
}

# Kill the storage daemon in the middle of writes: one write is done, and the next takes a
# while. libblkio does not check whether its device needs a reset, so qemu-io waits for the
# other writes; kill it. The next program opens the disk again.
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
	# 137: qemu-io was still running.
	kill -KILL "$pid"
	wait "$pid"
	[ $? = 137 ] && [ $status = 0 ] && [[ $line == *wrote* ]] &&
		grep "the driver must reset the device" "$WORK/blk.log"
}

# Write an image through the device, and compare it through the device.
images()
{
	head -c 16M /dev/urandom > "$WORK/source.img" &&
		timeout "$SOON" qemu-img convert -f raw -n --target-image-opts \
			"$WORK/source.img" "$(disk)" &&
		timeout "$SOON" qemu-img compare --image-opts \
			"driver=raw,size=16M,file.driver=file,file.filename=$WORK/source.img" \
			"driver=raw,size=16M,file.driver=virtio-blk-vfio-pci,file.path=$MDEVS/${UUID[blk]},file.cache.direct=on"
}

# A program that cannot map registers makes system calls. Each doorbell is a system call,
# and its event reaches the back end without vuser-vhost, too.
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

# tracking_back_end [OPTION...]: start a back end that tracks requests in flight. With
# --crash, it exits at the given step.
# shellcheck disable=SC2120 # check calls it with an option
tracking_back_end()
{
	daemon tracking vuser-vhost-blk --blk-file="$IMAGE" \
		--socket-path="$BACK" --num-queues=4 "$@"
}

# Write many blocks at once. In the middle of the writes the back end exits and is started
# again. qemu-io must not notice it.
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
		echo "the back end did not exit"
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

# vuserctl reports a back end that does not exist, and leaves no device and no process.
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
check "the device has an interrupt for each of four queues and for its configuration" \
	vectors 5
check "patterns that are written are read back" on_disk \
	"write -P 0xa5 0 1M" "write -P 0x5a 1M 4k" "write -P 0x11 33M 64k" \
	"read -P 0xa5 0 1M" "read -P 0x5a 1M 4k" "read -P 0 1028k 4k" \
	"read -P 0x11 33M 64k" flush
check "flushed data is in the file" in_file \
	"read -P 0xa5 0 1M" "read -P 0x5a 1M 4k" "read -P 0x11 33M 64k"
before=$(stat -c %b "$IMAGE")
check "write zeroes and discard change only their range" on_disk \
	"write -z 256k 128k" "read -P 0 256k 128k" "read -P 0xa5 384k 640k" \
	"read -P 0xa5 0 256k" "discard 512k 512k" "read -P 0xa5 0 256k"
check "discard frees blocks of the file" test \
	"$(stat -c %b "$IMAGE")" -lt "$before"
check "the driver sees a new size" resize
check "qemu-img writes an image and compares it" images
check "with mmap=sparse, doorbells are system calls" without_mapped_registers
check "the registers are mapped again" vuserctl set --mmap auto "${UUID[blk]}"
check "a slow storage daemon replaces the first" slow_back_end
check "the device asks for a reset when the daemon is killed in the middle of writes" kill_in_writes
check "flushed data is there when the disk is opened again" on_disk \
	"read -P 0x33 8M 1M" "read -P 0x11 33M 64k" "write -P 0x77 95M 4k"
check "the file has all flushed data" in_file "read -P 0x33 8M 1M" \
	"read -P 0x77 95M 4k"
check "no DMA region stays mapped" test "$(counter blk dma-regions)" = 0
check "the device is removed" device_down blk
kill_back_end

check "a back end that tracks requests in flight starts" \
	tracking_back_end --crash=used:5
check "vuserctl create --vhost starts vuser-vhost and attaches a device" by_vuserctl
check "qemu-io does not notice that the back end exits in the middle of writes" crash_in_writes
check "no write was lost" in_file "read -P 1 0 128k" "read -P 32 3968k 128k"
check "vuserctl remove removes the device" vuserctl remove "${UUID[blk]}"
check "vuser-vhost has ended" test -z "$(pidof vuser-vhost)"
check "vuserctl reports a back end that does not exist" none_by_vuserctl
daemon_stop tracking
for back_end in "qemu-storage-daemon $(version_of qemu-utils)" vuser-vhost-blk; do
	tested "libblkio $(version_of libblkio1)" "$back_end"
done
finish
