# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions for the suites of the consumers: TAP, the module and the helper, and
# devices with their servers.  A suite sources this file and ends with `finish`.
#
#   BUILD		build/LAB: user/bin, module/kmod/vuser.ko, selftests
#   VUSER_SELFTESTS	directory of the selftests' programs (BUILD/selftests)

set -u

# shellcheck disable=SC2034 # for the suites
CONSUMERS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${BUILD:?must be set to the build directory}"
TOP=$(dirname "$(dirname "$CONSUMERS")")
BIN=$BUILD/user/bin
# shellcheck disable=SC2034 # for the suites
PROGS=${VUSER_SELFTESTS:-$BUILD/selftests}/consumers
TYPE=/sys/class/mdev_bus/vuser/mdev_supported_types/vuser-pci
MDEVS=/sys/bus/mdev/devices
# The time limit, in seconds, for an event that is expected at once. TCG is slow, and so is a
# host that does something else, too; the debugging kernel is slower still.
SOON=$((180 * ${VUSER_SLOWNESS:-1}))

WORK=$(mktemp -d /tmp/consumers.XXXXXX)
LOG=$WORK/log
tests=0
failures=0
module_loaded=
declare -A UUID BDF SERVER
export PATH=$BIN:$PATH
# shellcheck source-path=SCRIPTDIR source=../capable.sh
. "$CONSUMERS/../capable.sh"
# shellcheck source-path=SCRIPTDIR source=../tested.sh
. "$CONSUMERS/../tested.sh"

diag()
{
	sed 's/^/# /'
}

ok()
{
	tests=$((tests + 1))
	echo "ok $tests - $1"
}

# not_ok NAME [FILE]: a failed test; the end of FILE is printed as the reason.
not_ok()
{
	tests=$((tests + 1))
	failures=$((failures + 1))
	echo "not ok $tests - $1"
	[ -z "${2:-}" ] || tail -n "${DIAG_LINES:-40}" "$2" | tr '\r' '\n' | diag
}

skip()
{
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}

# check NAME COMMAND...: one test, which passes if COMMAND succeeds.
check()
{
	local name=$1

	shift
	if "$@" > "$LOG" 2>&1; then
		ok "$name"
	else
		echo "exit status $? of: $*" >> "$LOG"
		not_ok "$name" "$LOG"
		return 1
	fi
}

# reasons NUMBER FILE: the comments after the result of a test, which tell why it failed.
reasons()
{
	tr '\r' '\n' < "$2" |
		awk -v number="$1" '
			found && (!/^#/ || /^# +RUN /) { exit }
			found { sub(/^# ?/, ""); print }
			/^not ok / && $3 == number { found = 1 }'
}

# retap NAME FILE: print the harness's results in FILE as results of the suite.
retap()
{
	local name=$1 file=$2 line planned seen=0 test reason

	planned=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$file" | head -n 1)
	while read -r line; do
		test=${line#*ok } && test=${test#* } && test=${test#- }
		case $line in
		"ok "*" # SKIP"*)
			reason=${test#* # SKIP}
			skip "$name ${test%% # SKIP*}" "${reason# }" ;;
		"ok "*) ok "$name $test" ;;
		*)
			reason=${line#not ok }
			reasons "${reason%% *}" "$file" > "$WORK/reasons"
			not_ok "$name $test" "$WORK/reasons"
			tail -n "${DIAG_LINES:-40}" "$file" | tr '\r' '\n' | diag ;;
		esac
		seen=$((seen + 1))
	done < <(grep -aE '^(not )?ok [0-9]+ ' "$file")
	if [ -z "$planned" ] || [ "$seen" != "$planned" ]; then
		echo "got $seen results of ${planned:-an unknown number}" >> "$file"
		not_ok "$name runs to the end" "$file"
	fi
}

# Load the module and start the helper, unless the caller has done so.
vuser_up()
{
	# DPDK requires that vfio-pci is loaded.
	modprobe vfio-pci
	if [ ! -d /sys/module/vuser ]; then
		"$TOP/lab/vm/insmod" || return
		module_loaded=1
	fi
	pidof vuserd > /dev/null ||
		daemon vuserd vuserd --foreground
}

# daemon NAME COMMAND...: start COMMAND and wait until it reports READY=1.
daemon()
{
	"$TOP/lab/vm/service" "$WORK/$1.pid" "$WORK/$1.log" "${@:2}"
}

# daemon_stop NAME: terminate a daemon and wait for its end.
daemon_stop()
{
	[ -s "$WORK/$1.pid" ] || return 0
	kill "$(cat "$WORK/$1.pid")" && pidwait -F "$WORK/$1.pid"
	rm -f "$WORK/$1.pid"
}

# serve NAME COMMAND...: start a server; the path of its socket is appended.
serve()
{
	local name=$1

	shift
	rm -f "$WORK/$name.sock"
	"$@" "$WORK/$name.sock" > "$WORK/$name.log" 2>&1 &
	SERVER[$name]=$!
}

# device_of NAME: record the PCI address of an existing device.
device_of()
{
	# shellcheck disable=SC2034 # for the suites
	BDF[$1]=$(cat "$MDEVS/${UUID[$1]}/vuser/pci_address")
}

# device_up NAME COMMAND...: start a server, create an mdev for it, attach them.
device_up()
{
	local name=$1

	serve "$@"
	UUID[$name]=$(cat /proc/sys/kernel/random/uuid)
	echo "${UUID[$name]}" > $TYPE/create || return
	set_attr "$name" endpoint "$WORK/$name.sock" || return
	device_of "$name"
	"$CONSUMERS/mdev_wait.py" "${UUID[$name]}" state attached $SOON
}

set_attr()
{
	echo "$3" > "$MDEVS/${UUID[$1]}/vuser/$2"
}

# server_stop NAME: end a server; its output is in $WORK/NAME.log.
server_stop()
{
	local pid=${SERVER[$1]:-}

	[ -n "$pid" ] || return 0
	unset "SERVER[$1]"
	kill "$pid" 2> /dev/null
	wait "$pid" 2> /dev/null
}

device_down()
{
	local uuid=${UUID[$1]:-} ret=0

	if [ -n "$uuid" ] && [ -e "$MDEVS/$uuid" ]; then
		echo 1 > "$MDEVS/$uuid/remove" || ret=1
	fi
	unset "UUID[$1]"
	server_stop "$1"
	return $ret
}

# outlive NAME REGISTER COMMAND...: start the server of NAME again with COMMAND while a
# consumer has the device open. REGISTER has the same value before and afterwards. The TAP
# of the consumer is in $LOG.
outlive()
{
	local name=$1 register=$2 ready=$WORK/$1.ready pid

	shift 2
	set_attr "$name" on_loss wait || return
	VUSER_UUID=${UUID[$name]} VUSER_READY=$ready VUSER_REGISTER=$register \
		timeout 300 "$PROGS/outlive_test" > "$LOG" 2>&1 &
	pid=$!
	until [ -e "$ready" ] || ! kill -0 $pid 2> /dev/null; do
		sleep 0.1
	done
	server_stop "$name"
	rm -f "$WORK/$name.sock"
	serve "$name" "$@"
	wait $pid
}

# counter NAME KEY: print a counter or number of the device. If the kernel has
# none of that name, print nothing, so that a comparison fails.
counter()
{
	vuserctl -j show "${UUID[$1]}" |
		jq -r --arg key "$2" '.counters[$key] // .[$key] // empty'
}

# uml NAME[,NAME]... COMMAND...: run COMMAND in User-Mode Linux, whose drivers use the
# devices, for UML_LIMIT (300) seconds. Print its output; if it fails, also print the
# kernel's messages.
uml()
{
	local name addresses=

	for name in ${1//,/ }; do
		addresses+=${addresses:+,}${BDF[$name]}
	done
	shift
	"$TOP/lab/vm/uml" -t "${UML_LIMIT:-300}" "$WORK/uml.log" "$addresses" "$@" && return
	set -- $?
	tail -n 60 "$WORK/uml.log" | diag
	return "$1"
}

# uml_tap PREFIX NAME[,NAME]... COMMAND...: the same for a COMMAND that prints TAP, whose
# results become results of the suite.
uml_tap()
{
	uml "${@:2}" > "$WORK/uml.tap" 2>&1
	DIAG_LINES=100 retap "$1" "$WORK/uml.tap"
}

# The version of User-Mode Linux.
uml_version()
{
	"$TOP/build/uml/linux" --version | grep -oE '^[0-9]+\.[0-9]+'
}

# hugepages SIZE-KIB COUNT: set the number of huge pages; fails if there are fewer.
hugepages()
{
	local nr=/sys/kernel/mm/hugepages/hugepages-$1kB/nr_hugepages

	[ -e "$nr" ] || return
	echo "$2" > "$nr"
	[ "$(cat "$nr")" -ge "$2" ]
}

clean_up()
{
	local name

	for name in "${!UUID[@]}" "${!SERVER[@]}"; do
		device_down "$name"
	done
	daemon_stop vuserd
}

# The end of a suite: remove everything and print the plan.
finish()
{
	clean_up
	[ -z "$module_loaded" ] || check "the module can be unloaded" rmmod vuser
	echo "1..$tests"
	if [ $failures -gt 0 ] && [ -s "$WORK/vuserd.log" ]; then
		echo "# the end of vuserd's log:"
		tail -n 40 "$WORK/vuserd.log" | diag
	fi
	rm -rf "$WORK"
	exit $((failures > 0))
}

# On SIGINT or SIGTERM, report a failed test and end everything that the suite started.
trap 'not_ok "the suite is not interrupted"; finish' INT TERM
