#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Registers of vuser-vhost, compared with those of vuser-ioat. Then reads of a disk of
# qemu-storage-daemon through vuser, compared with libblkio's own vhost-user driver.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

# All ways to the disk use one daemon with one export, which takes one connection at a time.
# Of two daemons, one was 10 % faster for its whole life. A daemon that waits for a second
# connection has one more descriptor to check at each wake-up.
BLOCK=4096
BLOCKS=16384
# qemu-img bench cannot read at random: it advances by a fixed step, and wraps at the end.
# With this step, no block is read twice, and adjacent blocks are 5000 reads apart or more.
STEP=$((6151 * BLOCK))

back_end()
{
	head -c $((BLOCK * BLOCKS)) /dev/urandom > "$WORK/disk.img"
	taskset -c 1 qemu-storage-daemon --daemonize --pidfile "$WORK/back.pid" --blockdev \
		"driver=file,filename=$WORK/disk.img,node-name=disk,read-only=on" \
		--export "type=vhost-user-blk,id=disk,node-name=disk,addr.type=unix,addr.path=$WORK/back,num-queues=1,logical-block-size=$BLOCK" >&2
	PIDS+=("$(cat "$WORK/back.pid")")
}

# reads DEPTH COUNT DRIVER PATH: print the reads per second. qemu-img aligns its buffers as
# the disk requires, but libblkio takes only whole pages. So a filter that passes reads on
# is put above the disk. Its other child, which reads do not use, requires whole pages.
reads()
{
	qemu-img bench -c "$2" -d "$1" -s $BLOCK -S $STEP --image-opts \
		"driver=copy-before-write,read-only=on,file.driver=$3,file.path=$4,file.cache.direct=on,target.driver=null-co,target.size=$((BLOCK * BLOCKS)),target.read-only=off" \
		> "$WORK/bench.log" 2>&1 || { cat "$WORK/bench.log" >&2; return 1; }
	awk -v count="$2" '/^Run completed in/ { print count / $4 }' \
		"$WORK/bench.log"
}

# For both ways, the consumer and vuser's programs run on one processor, the disk's daemon
# on the other. Then an emulator does not discard the code that it has translated for one
# of them when the other runs.
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

# reads_by WAY DEPTH COUNT: WAY is the mmap policy of vuser's device, or "direct"
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

# measure DEPTH COUNT: make runs of less than a second. Each run with vuser is close to a
# run of the baseline, as often before as after it. VUSER_ROUNDS is the number of rounds,
# 4 or more.
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
