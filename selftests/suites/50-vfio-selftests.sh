#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The kernel's own VFIO selftests on the ioat device, in both type1 modes, and by
# iommufd if the kernel has it.
#
# A program that has a test variant for each mode (-v) runs once, with all variants that
# this kernel can run. Other programs run once for each mode. Debian's kernels are built
# without iommufd: there, the variants for iommufd are listed as skipped.

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

TESTS=$PROGS/vfio
MODES="vfio_type1_iommu vfio_type1v2_iommu"
! capable iommufd ||
	MODES+=" iommufd_compat_type1 iommufd_compat_type1v2 iommufd"

# run MODE PROGRAM [OPTION...] -- BDF...: run a program, whose tests have their own limits.
run()
{
	local mode=$1 program=$2 options=()

	shift 2
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	VUSER_IOMMU_MODE=$mode vuserctl exec -- \
		"$TESTS/$program" "${options[@]}" "$@" > "$LOG" 2>&1
}

variants_of()
{
	VUSER_IOMMU_MODE=${MODES%% *} vuserctl exec -- "$TESTS/$1" -l "$2" 2>&1 |
		grep -oE '\b(vfio_type1|vfio_type1v2|iommufd)[a-z0-9_]*\b' | sort -u
}

# Run a program without variants once for each mode.
run_per_mode()
{
	local program=$1 mode

	shift
	for mode in $MODES; do
		run "$mode" "$program" -- "$@"
		retap "$program $mode" "$LOG"
	done
	capable iommufd ||
		skip "$program iommufd" "no /dev/iommu: CONFIG_IOMMUFD is not set"
}

# memcpy_storm has a minute for 65535 copies, and ten minutes on the debugging kernel. By
# iommufd, each copy is three messages from the server, and that kernel does about 50
# copies per second when it is emulated.
storm_takes_too_long()
{
	[[ $1 == vfio_pci_driver_test && $2 == iommufd* ]] &&
		grep -q "QEMU TCG" /proc/cpuinfo
}

# Run a program that has a variant for each mode.
run_variants()
{
	local program=$1 label=$2 variant options=() no_storm=()

	shift 2
	for variant in $(variants_of "$program" "$1"); do
		if [[ $variant == iommufd* ]] && ! capable iommufd; then
			skip "$label $variant" \
				"no /dev/iommu: CONFIG_IOMMUFD is not set"
		elif storm_takes_too_long "$program" "$variant"; then
			no_storm+=(-v "$variant")
			skip "$label $program.$variant.memcpy_storm" \
				"an emulated machine takes 20 minutes for 65535 copies by message, the limit is ten"
		else
			options+=(-v "$variant")
		fi
	done
	if [ ${#options[@]} = 0 ]; then
		not_ok "$label has variants for type1"
		return
	fi
	run "${MODES%% *}" "$program" "${options[@]}" -- "$@"
	retap "$label" "$LOG"
	[ ${#no_storm[@]} != 0 ] || return 0
	# The harness uses the first option that matches a test.
	run "${MODES%% *}" "$program" -T memcpy_storm "${no_storm[@]}" -- "$@"
	retap "$label" "$LOG"
}

if [ ! -x "$TESTS/vfio_pci_device_test" ]; then
	not_ok "the kernel's VFIO selftests were built (in $TESTS)"
	finish
fi

check "the module and the helper start" vuser_up || finish
check "ioat device attaches" device_up ioat vuser-ioat -s || finish
check "second ioat device attaches" device_up ioat2 vuser-ioat -s || finish
hugepages 2048 8
# The kernel's command line reserves one page of 1 GiB. If there is none, the test skips
# with a message.

# vfio_pci_driver_test maps 1 GiB of shared memory for each of its tests, and each test has
# 30 s (lib/slowness.h extends that on slow machines). With pages of 2 MiB, an emulated
# processor that is shared with others is fast enough.
SHMEM=/sys/kernel/mm/transparent_hugepage/shmem_enabled
shmem=$(sed 's/.*\[\(.*\)\].*/\1/' $SHMEM)
echo always > $SHMEM

run_per_mode vfio_pci_device_test "${BDF[ioat]}"
run_variants vfio_dma_mapping_test vfio_dma_mapping_test "${BDF[ioat]}"
run_variants vfio_pci_driver_test vfio_pci_driver_test "${BDF[ioat]}"
run_variants vfio_pci_device_init_perf_test vfio_pci_device_init_perf_test \
	"${BDF[ioat]}"
run_variants vfio_pci_device_init_perf_test \
	"vfio_pci_device_init_perf_test, two devices" \
	"${BDF[ioat]}" "${BDF[ioat2]}"
tested "VFIO selftests $(cat "$TESTS/version")" vuser-ioat

echo "$shmem" > $SHMEM
hugepages 2048 0
check "ioat device is removed" device_down ioat
check "second ioat device is removed" device_down ioat2
finish
