#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The part of `make demo` that runs in the virtual machine. It loads the module,
# then runs Debian's unmodified DPDK on devices that other processes serve: a DMA
# engine, and a network card whose back end is another DPDK. It ends with a summary
# and exits with 0 only if everything passed.

set -u

: "${BUILD:?must be set to the build directory}"
CONSUMERS=$(cd "$(dirname "$0")" && pwd)
TOP=$(dirname "$(dirname "$CONSUMERS")")
WORK=$(mktemp -d /run/demo.XXXXXX)
TYPE=/sys/class/mdev_bus/vuser/mdev_supported_types/vuser-pci
UUID=$(cat /proc/sys/kernel/random/uuid)
DEVICE=/sys/bus/mdev/devices/$UUID
SOCKET=/run/ioat.sock
export PATH=$BUILD/user/bin:$PATH
DEMO=demo

# shellcheck source-path=SCRIPTDIR source=steps.sh
. "$CONSUMERS/steps.sh"
# shellcheck source-path=SCRIPTDIR source=dpdk/autotest.sh
. "$CONSUMERS/dpdk/autotest.sh"
# shellcheck source-path=SCRIPTDIR source=dpdk/perf.sh
. "$CONSUMERS/dpdk/perf.sh"

# Print a command as a user would type it, then run it.
run()
{
	echo "  # $*"
	eval "$*"
}

service()
{
	"$TOP/lab/vm/service" "$WORK/$1.pid" "$WORK/$1.log" "${@:2}" ||
		die "$1 does not start: $(cat "$WORK/$1.log")"
}

wait_attached()
{
	"$CONSUMERS/mdev_wait.py" "$UUID" state attached 60 ||
		die "the device does not attach: $(cat "$WORK/vuserd.log")"
}

# Print the progress of DPDK's tests, one line each.
autotest_progress()
{
	stdbuf -oL tr '\r' '\n' | stdbuf -oL sed 's/Ops submitted/\n&/g' |
		awk '
		/^### Test dmadev/ || /Running .* Tests/ ||
		/^ \+ TestCase/ || /^Test OK/ || /^Test Failed/ {
			print "    " $0
			fflush()
		}'
}

step "Loading vuser into Linux $(uname -r)"
modprobe vfio-pci
run "$TOP/lab/vm/insmod" || die "the module does not load"

step "Creating a device"
run "echo $UUID > $TYPE/create" || die "cannot create the device"

step "Starting the helper, vuserd, and the device's server, vuser-ioat"
run service vuserd vuserd --foreground
run service ioat vuser-ioat --socket $SOCKET
run "echo $SOCKET > $DEVICE/vuser/endpoint" || die "cannot set the endpoint"
wait_attached
run vuserctl list
BDF=$(cat "$DEVICE/vuser/pci_address")
version="DPDK $(dpkg-query -W -f '${Version}' dpdk-dev)"

step "DPDK's own test of DMA devices (dpdk-test, Debian's $version)"
echo "  # DPDK_TEST=dmadev_autotest vuserctl exec -- dpdk-test -a $BDF"
mkfifo "$WORK/progress"
start=$SECONDS
for _ in 1 2 3; do
	autotest_progress < "$WORK/progress" &
	progress=$!
	dpdk_autotest "$BDF" >(tee "$WORK/autotest.log" > "$WORK/progress") \
		-m 256
	wait $progress
	! dpdk_passed "$BDF" "$WORK/autotest.log" > /dev/null || break
	dpdk_late "$WORK/autotest.log" || break
	echo "    DPDK's time limit was too short, trying again"
done
autotest_seconds=$((SECONDS - start))
verdict=$(dpdk_passed "$BDF" "$WORK/autotest.log")
result $? "dmadev_autotest on $BDF: $(dpdk_block "$BDF" "$WORK/autotest.log" |
	grep -c 'succeeded$') test cases in $autotest_seconds s"
[ -z "$verdict" ] || echo "$verdict"

step "DPDK's own benchmark (dpdk-test-dma-perf) on $BDF"
echo "  # vuserctl exec -- dpdk-test-dma-perf --config perf.ini"
dma_perf "$BDF" "$WORK"
perf_passed "$BDF" "$WORK"
status=$?
result $status "dpdk-test-dma-perf on $BDF"
[ $status = 0 ] || tail -n 40 "$WORK/perf.log"

step "Two dpdk-testpmd: one is the network card of the other"
"$CONSUMERS/vhost/demo.py" "$WORK"
status=$?
while IFS= read -r line; do
	passed+=("$line")
done < "$WORK/summary"
result $status "two dpdk-testpmd: the card is removed"

step "The kernel's counters"
run vuserctl stats "$UUID"

step "Removing everything"
run "echo 1 > $DEVICE/remove" && ! [ -e "$DEVICE" ]
result $? "the device is removed"
kill "$(cat "$WORK/ioat.pid")" "$(cat "$WORK/vuserd.pid")"
pidwait -F "$WORK/vuserd.pid"
run rmmod vuser
result $? "the module is unloaded"

cat <<EOF

----------------------------------------------------------------------------
 Linux $(uname -r), $version, both as Debian ships them.
 $BDF was an I/OAT DMA engine, served by the process vuser-ioat.
 The network card was the vhost port of another DPDK, served by vuser-vhost.

EOF
perf_rows "$BDF" "$WORK" | awk '
	{ printf " the %-9s copies blocks of %5d bytes at %5d MB/s\n", $1, $2, $3 }'
echo
results
status=$?
echo "----------------------------------------------------------------------------"
exit $status
