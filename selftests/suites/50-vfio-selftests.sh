#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 900
#
# The kernel's own VFIO selftests on the ioat device, in both type1 modes, and by
# iommufd where the kernel has it.
#
# A program that takes a mode per test variant (-v) is run once, with all the
# variants that this kernel can run; one that does not is run once per mode.
# Debian's kernels are built without iommufd: there its variants are listed as
# skipped.

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"

TESTS=$PROGS/vfio
MODES="vfio_type1_iommu vfio_type1v2_iommu"
[ ! -c /dev/iommu ] ||
	MODES+=" iommufd_compat_type1 iommufd_compat_type1v2 iommufd"

# run MODE PROGRAM [OPTION...] -- BDF...: each test has a limit of its own.
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

# Every test of a program that knows no modes, in each mode.
run_per_mode()
{
	local program=$1 mode

	shift
	for mode in $MODES; do
		run "$mode" "$program" -- "$@"
		retap "$program $mode" "$LOG"
	done
	[ -c /dev/iommu ] ||
		skip "$program iommufd" "no /dev/iommu: CONFIG_IOMMUFD is not set"
}

# memcpy_storm has a minute for 65535 copies, ten on the debugging kernel.  By iommufd
# each is three messages of the server's, and that kernel, emulated, did some 50 a second.
storm_is_beyond()
{
	[[ $1 == vfio_pci_driver_test && $2 == iommufd* ]] &&
		grep -q "QEMU TCG" /proc/cpuinfo
}

# Every variant of a program that has one per mode.
run_variants()
{
	local program=$1 label=$2 variant options=() no_storm=()

	shift 2
	for variant in $(variants_of "$program" "$1"); do
		if [[ $variant == iommufd* ]] && [ ! -c /dev/iommu ]; then
			skip "$label $variant" \
				"no /dev/iommu: CONFIG_IOMMUFD is not set"
		elif storm_is_beyond "$program" "$variant"; then
			no_storm+=(-v "$variant")
			skip "$label $program.$variant.memcpy_storm" \
				"65535 copies by message take an emulated machine 20 minutes, the test has ten"
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
	# The harness takes the first option that fits a test.
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
# Of 1 GiB there is one from the start, by the kernel's command line; where there
# is none, the test itself skips and says so.

# vfio_pci_driver_test maps 1 GiB of shared memory for each of its tests, and has
# 30 s for each (more where all is slower, lib/slowness.h).  Brought in by pages of
# 2 MiB it is in time on an emulated processor too, even one that is shared.
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

echo "$shmem" > $SHMEM
hugepages 2048 0
check "ioat device is removed" device_down ioat
check "second ioat device is removed" device_down ioat2
finish
