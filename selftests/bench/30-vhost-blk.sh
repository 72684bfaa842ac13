#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vuser-vhost's registers against vuser-ioat's; then a disk of qemu-storage-daemon's,
# read through vuser and by libblkio's own vhost-user driver.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

# One daemon with one export, which takes one connection at a time, for all of the ways to
# the disk. Of two daemons one was a tenth faster as long as it lived, and one that waits
# for a second connection has one more thing to look at each time that it wakes up.
BLOCK=4096
BLOCKS=16384
# qemu-img bench cannot read at random: it goes on by a fixed step, and around at the
# end. With this one no block is read twice, and no two neighbours within 5000 reads.
STEP=$((6151 * BLOCK))

back_end()
{
	head -c $((BLOCK * BLOCKS)) /dev/urandom > "$WORK/disk.img"
	taskset -c 1 qemu-storage-daemon --daemonize --pidfile "$WORK/back.pid" --blockdev \
		"driver=file,filename=$WORK/disk.img,node-name=disk,read-only=on" \
		--export "type=vhost-user-blk,id=disk,node-name=disk,addr.type=unix,addr.path=$WORK/back,num-queues=1,logical-block-size=$BLOCK" >&2
	PIDS+=("$(cat "$WORK/back.pid")")
}

# reads DEPTH COUNT DRIVER PATH: how many a second. qemu-img aligns its buffers as the
# disk wants it, libblkio takes whole pages only. So the disk is under a filter that
# passes reads on, whose other child (of no use to a reader) wants pages.
reads()
{
	qemu-img bench -c "$2" -d "$1" -s $BLOCK -S $STEP --image-opts \
		"driver=copy-before-write,read-only=on,file.driver=$3,file.path=$4,file.cache.direct=on,target.driver=null-co,target.size=$((BLOCK * BLOCKS)),target.read-only=off" \
		> "$WORK/bench.log" 2>&1 || { cat "$WORK/bench.log" >&2; return 1; }
	awk -v count="$2" '/^Run completed in/ { print count / $4 }' \
		"$WORK/bench.log"
}

# The consumer and what is vuser's on one processor, the disk's daemon on the other, both
# ways alike. What the two do at once then does not make an emulator forget what it had
# translated for the other.
taskset -pc 0 $$ >&2
load_module
start vuserd --foreground
serve "$WORK/ioat.sock"
back_end
ioat=$(vuserctl create --endpoint "$WORK/ioat.sock" --wait)
disk=$(vuserctl create --wait --vhost "blk:$WORK/back")
"$BENCH/vhost_bench" "$disk" "$ioat"
vuserctl remove "$disk"

if ! compgen -G "/usr/lib/*/qemu/block-blkio.so" > /dev/null; then
	echo "reads of a disk: left out, this QEMU has no libblkio" >&2
	exit 0
fi

# reads_by WAY DEPTH COUNT: WAY is what vuser's device lets map, or "direct"
reads_by()
{
	local disk

	if [ "$1" = direct ]; then
		reads "$2" "$3" virtio-blk-vhost-user "$WORK/back"
		return
	fi
	disk=$(vuserctl create --wait --mmap "$1" --vhost "blk:$WORK/back") &&
		reads "$2" "$3" virtio-blk-vfio-pci "/sys/bus/mdev/devices/$disk" &&
		vuserctl remove "$disk" >&2
}

# measure DEPTH COUNT: runs of less than a second, each of vuser's near one of the
# baseline, before it as often as after it. VUSER_ROUNDS is how many times, 4 or more.
measure()
{
	local i way ways=(trap sparse) run runs

	for ((i = 0; i < ${VUSER_ROUNDS:-25}; i++)); do
		ways=("${ways[1]}" "${ways[0]}")
		runs=()
		for way in "${ways[@]}" direct direct "${ways[1]}" "${ways[0]}"; do
			run=$(reads_by "$way" "$1" "$2")
			runs+=("$run")
		done
		echo "depth $1, ${ways[*]} direct and back: ${runs[*]}" >&2
		printf '%s %s\n' "${runs[0]}" "${runs[2]}" "${runs[5]}" "${runs[3]}" \
			>> "$WORK/${ways[0]}.$1"
		printf '%s %s\n' "${runs[1]}" "${runs[2]}" "${runs[4]}" "${runs[3]}" \
			>> "$WORK/${ways[1]}.$1"
	done
}

for depth in 1 64; do
	measure $depth $((depth == 1 ? BLOCKS / 16 : BLOCKS / 4))
	for way in trap sparse; do
		pairs_against "scattered reads of 4 KiB, depth $depth, $way : without vuser" \
			"1/s" 0.95 < "$WORK/$way.$depth"
	done
done
