#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The part of `make demo-linux` that runs in the virtual machine. Linux's own nvme and
# virtio drivers run in a process, User-Mode Linux, and drive disks that other processes
# serve. It ends with a summary and exits with 0 only if everything passed.

set -u

: "${BUILD:?must be set to the build directory}"
HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../../.." && pwd)
WORK=$(mktemp -d /run/demo.XXXXXX)
QEMU=$TOP/build/qemu-server/qemu-system-x86_64
LINUX=$TOP/build/uml/linux
SIZE=64M
export PATH=$BUILD/user/bin:$PATH
DEMO=demo-linux

# shellcheck source-path=SCRIPTDIR source=../steps.sh
. "$TOP/selftests/consumers/steps.sh"

# Print a command as a user would type it, then run it.
run()
{
	echo "  # $*"
	"$@" | sed 's/^/  /'
	return "${PIPESTATUS[0]}"
}

# background COMMAND...: the same, without waiting for its end.
background()
{
	echo "  # $* &"
	"$@" > "$WORK/$(basename "$1").log" 2>&1 &
}

# wait_socket FILE: wait until a server listens.
wait_socket()
{
	timeout 60 bash -c "until [ -S '$1' ]; do sleep 0.1; done" ||
		die "no server listens on $1: $(cat "$WORK"/*.log)"
}

# create OPTION...: create a device; the variable BDF is its address.
create()
{
	local uuid

	echo "  # vuserctl create --wait $*"
	uuid=$(vuserctl create --wait "$@") || die "no device: $(cat "$WORK"/*.log)"
	echo "  $uuid"
	uuids+=("$uuid")
	BDF=$(cat "/sys/bus/mdev/devices/$uuid/vuser/pci_address")
}

# same IMAGE: whether the image of a disk has the file, seen without the device.
same()
{
	debugfs -R "dump /inside $WORK/dumped" "$1" 2> /dev/null
	cmp "$WORK/data" "$WORK/dumped"
}

step "Loading vuser into Linux $(uname -r), and starting the helper"
modprobe vfio-pci
run "$TOP/lab/vm/insmod" || die "the module does not load"
echo "  # vuserd"
"$TOP/lab/vm/service" "$WORK/vuserd.pid" "$WORK/vuserd.log" vuserd --foreground ||
	die "vuserd does not start"

uuids=()
cd "$WORK" || die "no directory"
head -c 8M /dev/urandom > data
truncate -s $SIZE nvme.img virtio.img

step "QEMU serves its model of an NVMe disk. It runs no guest"
background "$QEMU" -L /usr/share/qemu -nodefaults -display none \
	-machine x-remote,vfio-user=on,auto-shutdown=off \
	-blockdev driver=file,filename=nvme.img,node-name=disk \
	-device nvme,drive=disk,serial=vuser,id=card \
	-object "x-vfio-user-server,id=server,type=unix,path=$WORK/nvme.sock,device=card"
qemu=$!
wait_socket nvme.sock
create --endpoint "$WORK/nvme.sock"
nvme=$BDF

step "qemu-storage-daemon is the vhost-user back end of a virtio disk"
address=addr.type=unix,addr.path=$WORK/blk.back
background qemu-storage-daemon --blockdev driver=file,filename=virtio.img,node-name=disk \
	--export "type=vhost-user-blk,id=export,node-name=disk,writable=on,$address"
storage=$!
wait_socket blk.back
create --vhost "blk:$WORK/blk.back"
virtio=$BDF
run vuserctl list

step "A second Linux, which is a process, drives both with its own drivers"
echo "  # vuserctl exec -- linux vfio_uml.device=$nvme vfio_uml.device=$virtio ..."
"$TOP/lab/vm/uml" "$WORK/linux.log" "$nvme,$virtio" "$HERE/demo-inside.sh" "$WORK" |
	sed -u 's/^/  | /'
status=${PIPESTATUS[0]}
result $status "Linux $("$LINUX" --version) drove both disks"
[ $status = 0 ] || tail -n 60 "$WORK/linux.log"

step "The kernel's counters"
for uuid in "${uuids[@]}"; do
	run vuserctl stats "$uuid"
done

step "Removing everything"
for uuid in "${uuids[@]}"; do
	run vuserctl remove "$uuid"
	result $? "the device $uuid is removed"
done
kill $qemu $storage
wait $qemu $storage
for disk in nvme virtio; do
	same $disk.img
	result $? "the image of the $disk disk has the file that was written, to the byte"
done
kill "$(cat vuserd.pid)"
pidwait -F vuserd.pid
run rmmod vuser
result $? "the module is unloaded"

cat <<EOT

----------------------------------------------------------------------------
 Linux $(uname -r) as Debian ships it, with vuser.ko.
 $nvme was an NVMe disk of QEMU, $virtio a virtio disk of
 qemu-storage-daemon. Linux $("$LINUX" --version), a process (ARCH=um) without a virtual
 machine, drove them with its own nvme and virtio_blk.

EOT
results
status=$?
echo "----------------------------------------------------------------------------"
rm -rf "$WORK"
exit $status
