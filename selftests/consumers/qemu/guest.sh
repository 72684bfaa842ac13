# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# A guest that has only its firmware.

IOAT=8086:2021
MEMORY=128M
qemu=(qemu-system-x86_64 -machine q35 -accel tcg -cpu qemu64 -m "$MEMORY")
memfd=(-object "memory-backend-memfd,id=ram,size=$MEMORY,share=on"
	-machine memory-backend=ram)

# in_qemu COMMAND OPTION...: check the device as the firmware sees it, and run
# COMMAND while the guest runs.
in_qemu()
{
	"$CONSUMERS/qemu/qemu_pci.py" --run "$1" "$IOAT" "${@:2}"
}
