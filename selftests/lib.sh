# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For suites of test programs: load the module, and run programs that print TAP and start
# vuserd and vuser-testdev themselves.
#
#   BUILD			build/LAB: user/bin, module/kmod/vuser.ko, selftests
#   VUSER_SELFTESTS		where the test programs are (BUILD/selftests)

set -u

: "${BUILD:?must be the directory of what was built}"
PROGS=${VUSER_SELFTESTS:-$BUILD/selftests}
export PATH=$BUILD/user/bin:$PATH
# shellcheck source-path=SCRIPTDIR source=capable.sh
. "$(dirname "${BASH_SOURCE[0]}")/capable.sh"
# shellcheck source-path=SCRIPTDIR source=tested.sh
. "$(dirname "${BASH_SOURCE[0]}")/tested.sh"

load_module()
{
	modprobe -a vfio mdev vfio_iommu_type1 || return
	[ -d /sys/module/vuser ] || insmod "$BUILD/module/kmod/vuser.ko"
}

# run PROGRAM [ARGUMENT...]: run a test program with the module loaded.
run()
{
	if ! load_module; then
		printf '1..1\nnot ok 1 - load the module\n'
		return 1
	fi
	"$PROGS/$1" "${@:2}"
}
