#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vuser-vhost's registers against vuser-ioat's; then a disk of qemu-storage-daemon's,
# read through vuser and by libblkio's own vhost-user driver.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

# One daemon, one disk; an export for each of the two ways to it.
BLOCK=4096
BLOCKS=16384
# qemu-img bench cannot read at random: it goes on by a fixed step, and around at the
# end. With this one no block is read twice, and no two neighbours within 5000 reads.
STEP=$((6151 * BLOCK))

back_end()
{
	local name exports=()

	for name in vuser direct; do
		exports+=(--export "type=vhost-user-blk,id=$name,node-name=disk,addr.type=unix,addr.path=$WORK/$name.back,num-queues=1,logical-block-size=$BLOCK")
	done
	head -c $((BLOCK * BLOCKS)) /dev/urandom > "$WORK/disk.img"
	taskset -c 1 qemu-storage-daemon --daemonize --pidfile "$WORK/back.pid" --blockdev \
		"driver=file,filename=$WORK/disk.img,node-name=disk,read-only=on" \
		"${exports[@]}" >&2
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
disk=$(vuserctl create --wait --vhost "blk:$WORK/vuser.back")
"$BENCH/vhost_bench" "$disk" "$ioat"

if ! compgen -G "/usr/lib/*/qemu/block-blkio.so" > /dev/null; then
	echo "reads of a disk: left out, this QEMU has no libblkio" >&2
	exit 0
fi
# In turn, so that both see the same machine.
for depth in 1 64; do
	# Some seconds each.
	count=$((depth == 1 ? BLOCKS / 4 : BLOCKS))
	values=() baselines=()
	for _ in {1..11}; do
		values+=("$(reads $depth $count virtio-blk-vfio-pci \
			"/sys/bus/mdev/devices/$disk")")
		baselines+=("$(reads $depth $count virtio-blk-vhost-user \
			"$WORK/direct.back")")
	done
	echo "depth $depth: vuser: ${values[*]}; direct: ${baselines[*]}" >&2
	rate_against "scattered reads of 4 KiB, depth $depth : without vuser" \
		"$(median "${values[@]}")" "1/s" "$(median "${baselines[@]}")" \
		0.95
done
