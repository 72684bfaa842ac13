#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DPDK, a driver that compares every byte, and qemu-io use three devices. Meanwhile the
# servers are killed, stopped and replaced, and vuserd is killed, stopped and upgraded, for
# VUSER_SECONDS (20). DPDK takes part only if VUSER_SECONDS is set, because a run lasts about as
# long as the default. No consumer may see an error. Prints a report. VUSER_FAULTS=kill,stop
# narrows what happens to the servers, VUSER_HELPER_FAULTS=none what happens to vuserd, and
# VUSER_DEVICES=dpdk which devices there are.

# shellcheck disable=SC2317 # functions that check calls
# shellcheck source-path=SCRIPTDIR source=../consumers/common.sh
. "$(dirname "$0")/../consumers/common.sh"
# shellcheck source=../consumers/dpdk/perf.sh
. "$CONSUMERS/dpdk/perf.sh"
# shellcheck source=../consumers/state/disk.sh
. "$CONSUMERS/state/disk.sh"

SECONDS_OF_FAULTS=${VUSER_SECONDS:-20}
SOAK=$CONSUMERS/soak
DEFAULT="copy blk"
[ -z "${VUSER_SECONDS:-}" ] || DEFAULT+=" dpdk"
read -ra DEVICES <<< "${VUSER_DEVICES:-$DEFAULT}"
# In ms: a server that is stopped for longer is lost.
TIMEOUT=2000
# The seconds in which DPDK copies blocks of one size. On a slow kernel, it may take most of a
# minute until a server that was lost serves the device again.
RUN=$(((SECONDS_OF_FAULTS > 60 ? 20 : 8) * ${VUSER_SLOWNESS:-1}))
declare -A IN LOAD

# faulty NAME COMMAND...: run a program of soak/; its result is in $WORK/NAME.json.
faulty()
{
	local name=$1 fd

	shift
	mkfifo "$WORK/$name.in"
	"$@" < "$WORK/$name.in" > "$WORK/$name.json" 2> "$WORK/$name.log" &
	SERVER[$name]=$!
	exec {fd}> "$WORK/$name.in"
	IN[$name]=$fd
}

# soaked_up NAME FAULTS COMMAND...: create a device to whose server FAULTS happen.
soaked_up()
{
	local name=$1 faults=${VUSER_FAULTS:-$2}

	shift 2
	UUID[$name]=$(cat /proc/sys/kernel/random/uuid)
	echo "${UUID[$name]}" > $TYPE/create || return
	set_attr "$name" on_loss wait || return
	set_attr "$name" reconnect_timeout_ms $((120000 * ${VUSER_SLOWNESS:-1})) || return
	set_attr "$name" state_kept yes || return
	set_attr "$name" request_timeout_ms $TIMEOUT || return
	faulty "$name" "$SOAK/soaker.py" "${UUID[$name]}" "$name" "$WORK" \
		"$faults" "$@"
	set_attr "$name" endpoint "$WORK/${UUID[$name]}.0.sock" || return
	device_of "$name"
	"$CONSUMERS/mdev_wait.py" "${UUID[$name]}" state attached $SOON || {
		cat "$WORK/$name.log"
		return 1
	}
}

helper_up()
{
	modprobe vfio-pci
	"$TOP/lab/vm/insmod" && module_loaded=1 || return
	faulty vuserd "$SOAK/helper.py" "${VUSER_HELPER_FAULTS:-kill,stop,upgrade}" vuserd --foreground
}

# dpdk_run: run DPDK's benchmark, which compares what the device has copied. Returns 2 if the
# benchmark has no result: an access whose answer the driver awaits, when it sets up or stops
# the device, fails if the server is lost before it answers; and if no copy completed in the
# time, since the server was stopped, the benchmark divides by 0 (signal 8).
dpdk_run()
{
	timeout $((600 * ${VUSER_SLOWNESS:-1})) vuserctl exec -- dpdk-test-dma-perf -l 0-1 \
		--config "$WORK/perf.ini" --result "$WORK/perf.csv" \
		< /dev/null > "$WORK/perf.log" 2>&1
	[ $? != 124 ] || return 1
	perf_passed "${BDF[dpdk]}" "$WORK" && return
	grep -qE "validation fails|killed by signal ([0-79]|8[0-9])" "$WORK/perf.log" || return 2
	return 1
}

# Run the benchmark again and again.
dpdk_load()
{
	local runs=0 megabytes=0 unopened=0 more

	sed "s/@BDF@/${BDF[dpdk]}/g; s/@SECONDS@/$RUN/" "$SOAK/dma-perf.ini" > "$WORK/perf.ini"
	echo ready
	while [ ! -e "$WORK/end" ]; do
		dpdk_run
		case $? in
		0) runs=$((runs + 1)) ;;
		2) unopened=$((unopened + 1)) && continue ;;
		*) tail -n 40 "$WORK/perf.log" && return 1 ;;
		esac
		more=$(perf_rows "${BDF[dpdk]}" "$WORK" |
			awk -v run="$RUN" '{ sum += $3 * run } END { print sum + 0 }')
		megabytes=$((megabytes + more))
	done
	echo "$runs runs, $megabytes MB, $unopened without a result"
	[ $runs -gt 0 ]
}

# load NAME COMMAND...: run a load in the background.
load()
{
	local name=$1

	shift
	"$@" > "$WORK/$name.load" 2>&1 &
	LOAD[$name]=$!
	until grep -q '^ready' "$WORK/$name.load"; do
		kill -0 ${LOAD[$name]} || {
			cat "$WORK/$name.load"
			return 1
		}
		sleep 0.1
	done
}

tell_all()
{
	local name

	for name in "${!IN[@]}"; do
		echo "$1" >&"${IN[$name]}"
	done
}

# Let the faults happen, unless a load ends early.
faults_for()
{
	local end=$((SECONDS + SECONDS_OF_FAULTS)) name ret=0

	tell_all go
	while [ $SECONDS -lt $end ] && [ $ret = 0 ]; do
		sleep 1
		for name in "${!LOAD[@]}"; do
			kill -0 "${LOAD[$name]}" 2> /dev/null || ret=1
		done
	done
	tell_all stop
	return $ret
}

# results_of NAME: wait until the faults have ended, and print their numbers.
results_of()
{
	until [ -s "$WORK/$1.json" ]; do
		kill -0 "${SERVER[$1]}" || {
			cat "$WORK/$1.log"
			return 1
		}
		sleep 0.1
	done
	jq -r --arg name "$1" '
		.longest_ms as $ms | .faults | to_entries[] |
		"\($name): \(.value) \(.key)" +
			(if $ms[.key] then ", longest \($ms[.key]) ms" else "" end)' \
		"$WORK/$1.json"
	cat "$WORK/$1.log"
	! grep -q 'replace failed' "$WORK/$1.json"
}

# load_ends NAME: the load ends without an error.
load_ends()
{
	local ret=0

	wait "${LOAD[$1]}" || ret=$?
	cat "$WORK/$1.load"
	return $ret
}

say()
{
	grep -E "^[a-z]*: [0-9]| copies, | rounds | runs, " "$LOG" | diag
}

soaked_down()
{
	echo end >&"${IN[$1]}"
	wait "${SERVER[$1]}" || return
	unset "SERVER[$1]"
	[ "$1" = vuserd ] || device_down "$1"
}

# The device of each load, and the load.
dpdk_up()
{
	soaked_up dpdk kill,stop,replace vuser-ioat --state '{state}'
}

copy_up()
{
	soaked_up copy kill,stop,replace vuser-ioat --state '{state}'
}

blk_up()
{
	back_end && soaked_up blk kill,stop,replace vuser-vhost --device blk \
		--socket '{socket}' --back-end "$WORK/back{n}.sock" --state '{state}'
}

dpdk_begins()
{
	load dpdk dpdk_load
}

copy_begins()
{
	load copy "$PROGS/copy_load" "${UUID[copy]}"
}

blk_begins()
{
	load blk disk_load "${UUID[blk]}"
}

check "the module and the helper start" helper_up || finish
for name in "${DEVICES[@]}"; do
	check "$name: the device attaches" ${name}_up || finish
done
for name in "${DEVICES[@]}"; do
	check "$name: the load begins" ${name}_begins
done
check "all loads run for $SECONDS_OF_FAULTS s" faults_for
for name in "${DEVICES[@]}" vuserd; do
	check "$name: nothing failed but what was made to fail" results_of $name
	say
done
touch "$WORK/end"
[ -z "${LOAD[copy]:-}" ] || kill "${LOAD[copy]}"
for name in "${DEVICES[@]}"; do
	check "$name: every byte is right" load_ends $name
	say
done
for name in "${DEVICES[@]}"; do
	check "$name: the device is removed" soaked_down $name
done
check "vuserd ends" soaked_down vuserd
[ ! -e "$WORK/back.pid" ] || kill "$(cat "$WORK/back.pid")"
finish
