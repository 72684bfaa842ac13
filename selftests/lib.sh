# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the suites of test programs share: the module loaded, and a program
# that prints TAP (and starts vuserd and vuser-testdev itself).
#
#   BUILD		build/LAB: user/bin, module/kmod/vuser.ko, selftests
#   VUSER_SELFTESTS	where the test programs are (BUILD/selftests)

set -u

: "${BUILD:?is to be the directory of what was built}"
PROGS=${VUSER_SELFTESTS:-$BUILD/selftests}
export PATH=$BUILD/user/bin:$PATH

load_module()
{
	modprobe -a vfio mdev vfio_iommu_type1 || return
	[ -d /sys/module/vuser ] || insmod "$BUILD/module/kmod/vuser.ko"
}

# run PROGRAM [ARGUMENT...]: its result is the suite's.
run()
{
	if ! load_module; then
		printf '1..1\nnot ok 1 - load the module\n'
		exit 1
	fi
	exec "$PROGS/$1" "${@:2}"
}

# run_all PROGRAM...: one after the other; the suite fails when one does.
run_all()
{
	local prog status=0

	for prog; do
		(run "$prog") || status=1
	done
	exit "$status"
}
