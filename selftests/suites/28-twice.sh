#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The same calls on QEMU's edu, e1000e and nvme twice: the machine's own devices, which
# vfio-pci has, and those of QEMU's vfio-user server, which vuser has. SEED=N repeats the
# calls at random.

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

QEMU=${VUSER_QEMU_SERVER:-$BUILD/../qemu-server/qemu-system-x86_64}
PCI=/sys/bus/pci
# The vendor and the device of a model, and its options; lab/vuserlab/qemu.py has the same.
declare -A ID=([edu]=0x1234:0x11e8 [e1000e]=0x8086:0x10d3 [nvme]=0x1b36:0x0010)
declare -A OPTIONS=([edu]="" [e1000e]=",mac=52:54:00:76:75:73,romfile="
	[nvme]=",drive=nvme,serial=vuser")
declare -A ADDRESS

# physical MODEL: find the machine's device and give it to vfio-pci.
physical()
{
	local path address=

	for path in "$PCI"/devices/*; do
		[ "$(cat "$path/vendor"):$(cat "$path/device")" != "${ID[$1]}" ] ||
			address=${path##*/}
	done
	[ -n "$address" ] || return
	ADDRESS[$1]=$address
	path=$PCI/devices/$address
	[ ! -e "$path/driver" ] || echo "$address" > "$path/driver/unbind" || return
	echo vfio-pci > "$path/driver_override" &&
		echo "$address" > "$PCI/drivers_probe" &&
		[ "$(basename "$(readlink -f "$path/driver")")" = vfio-pci ]
}

release()
{
	local address=${ADDRESS[$1]}

	echo > "$PCI/devices/$address/driver_override"
	echo "$address" > "$PCI/drivers/vfio-pci/unbind"
}

# serve_model MODEL SOCKET: become QEMU's server of a model.
serve_model()
{
	exec "$QEMU" -machine x-remote,vfio-user=on,auto-shutdown=off -nodefaults \
		-display none -L /usr/share/qemu \
		-blockdev driver=null-co,node-name=nvme,size=1048576,read-zeroes=on \
		-device "$1,id=device${OPTIONS[$1]}" \
		-object "x-vfio-user-server,id=server,type=unix,path=$2,device=device"
}

check "the module and the helper start" vuser_up || finish
TWICE=
for model in edu e1000e nvme; do
	check "vfio-pci takes the machine's $model" physical $model || finish
	check "QEMU's server of $model attaches" device_up $model serve_model $model || {
		diag < "$WORK/$model.log"
		finish
	}
	TWICE+="$model=${ADDRESS[$model]},${UUID[$model]} "
done

TWICE=$TWICE timeout 400 "$PROGS/../twice_test" > "$WORK/twice.tap" 2>&1
grep -E '^# .*(SEED|calls)' "$WORK/twice.tap"
DIAG_LINES=400 retap twice "$WORK/twice.tap"
for model in edu e1000e nvme; do
	tested "vuser's tests" "QEMU $model $(version_of qemu-system-x86)"
done
for model in edu e1000e nvme; do
	check "vfio-pci gives the machine's $model back" release $model
	check "the device of $model is removed" device_down $model
done
finish
