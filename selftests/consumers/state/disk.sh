# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A disk of qemu-storage-daemon, and a verified load by qemu-io through vuser-vhost.

# A disk with two sockets, so that two servers can use it.
back_end()
{
	local export=node-name=disk,writable=on,addr.type=unix,num-queues=2

	truncate -s 16M "$WORK/disk.img"
	qemu-storage-daemon --daemonize --pidfile "$WORK/back.pid" \
		--blockdev driver=file,filename="$WORK/disk.img",node-name=disk \
		--export "type=vhost-user-blk,id=export0,addr.path=$WORK/back0.sock,$export" \
		--export "type=vhost-user-blk,id=export1,addr.path=$WORK/back1.sock,$export"
}

# ask COMMAND: send a command to the session of qemu-io and read the output up to the
# next prompt.
ask()
{
	local answer

	echo "$1" >&"${QEMU_IO[1]}"
	read -r -d '>' -t "$SOON" answer <&"${QEMU_IO[0]}" || return
	! grep -iE 'failed|error|different' <<< "$1: $answer"
}

# disk_load UUID: use the device in one session of qemu-io until $WORK/end exists. Write four
# blocks at the same time, and compare them.
disk_load()
{
	local round=0 block pattern

	coproc QEMU_IO { stdbuf -oL qemu-io --image-opts \
		"driver=virtio-blk-vfio-pci,path=$MDEVS/$1,cache.direct=on" 2>&1; }
	read -r -d '>' -t "$SOON" <&"${QEMU_IO[0]}" || return
	echo ready
	while [ ! -e "$WORK/end" ]; do
		round=$((round + 1))
		for block in 0 1 2 3; do
			pattern=$(((round + block) % 255 + 1))
			ask "aio_write -q -P $pattern $((block * 2 + round % 2))M 256k" || return
		done
		ask aio_flush || return
		for block in 0 1 2 3; do
			pattern=$(((round + block) % 255 + 1))
			ask "read -q -P $pattern $((block * 2 + round % 2))M 256k" || return
		done
	done
	echo quit >&"${QEMU_IO[1]}"
	wait "$QEMU_IO_PID"
	echo "$round rounds of 4 blocks"
}
