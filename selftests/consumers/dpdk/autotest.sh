# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Run Debian's dpdk-test (dmadev_autotest) on a vuser device, and check that the
# test used this device. DPDK always adds a software device of its own to the
# test, and prints "Test OK" if only the software device was tested.

# dpdk_alone COMMAND...: run COMMAND with another driver mounted in place of the driver
# for DPDK's software device. The tests of that device take longer than ours.
dpdk_alone()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare --mount sh -euc '
		cd /usr/lib/x86_64-linux-gnu/dpdk/pmds-*
		mount --bind librte_dma_ioat.so librte_dma_skeleton.so
		cd "$OLDPWD"
		exec "$@"
	' sh "$@"
}

# dpdk_autotest BDF FILE [OPTION...]: run the test; its output goes to FILE. The test
# polls. With normal priority on the only processor, it would delay the device's server
# until the scheduler's next tick. So it runs with idle priority. DPDK_RUN is a command
# that runs it; DPDK_AS is a command that runs it in the view of vuserctl exec.
dpdk_autotest()
{
	local bdf=$1 file=$2

	shift 2
	DPDK_TEST=dmadev_autotest ${DPDK_RUN:-} timeout "${DPDK_TIMEOUT:-600}" \
		vuserctl exec -- ${DPDK_AS:-} chrt --idle 0 dpdk-test -l 0 -a "$bdf" --no-telemetry \
		--file-prefix "vuser$$" "$@" < /dev/null > "$file" 2>&1
}

# dpdk_late FILE: whether a test timed out. The test gives a device 1 ms for its
# copies, or a second for some hundreds. That is short for a process that shares an
# emulated processor with others. Only a run that timed out may be repeated.
dpdk_late()
{
	tr '\r' '\n' < "$1" |
		grep -aqE 'Error with rte_dma(dev)?_completed(_status)?, [0-9]+ \[expected'
}

# dpdk_block BDF FILE: the output of the tests of the device BDF. The progress of a
# test overwrites its line; print each state on a line of its own.
dpdk_block()
{
	tr '\r' '\n' < "$2" | sed 's/Ops submitted/\n&/g' |
		awk -v head="[$1]" '
		/^### Test dmadev/ { ours = index($0, head) > 0 }
		ours { print }'
}

# dpdk_passed BDF FILE: whether the device BDF was tested to the end, completed every
# operation without an error, and no test of it failed. (The tests of DPDK's software
# device may fail: its thread is late, too, if there are few processors.)
dpdk_passed()
{
	local ok

	ok=$(tr '\r' '\n' < "$2" | grep -ac '^Test OK')
	dpdk_block "$@" | awk -v ended="$ok" '
	/Ops submitted:/ {
		ops++
		if ($3 + 0 > most)
			most = $3 + 0
		if ($3 + 0 != $6 + 0 || $8 + 0 != 0)
			bad = bad "\n" $0
	}
	/ failed$/ { bad = bad "\n" $0 }
	/Tests Failed *: *[1-9]/ { bad = bad "\n" $0 }
	/Tests Failed *: *0/ { ended = 1 }
	END {
		if (!ops)
			print "the device was not tested"
		else if (!ended)
			print "the device was not tested to the end"
		if (bad)
			print "failed:" bad
		exit !(ops && ended + 0 && most >= 640 && !bad)
	}'
}

# dpdk_repeat BDF FILE COMMAND...: run COMMAND, which tests the device BDF and writes its
# output to FILE, until the device has passed. Repeat it only if DPDK's time limit was too
# short, at most three times. The reason of a failure goes to standard output.
dpdk_repeat()
{
	local bdf=$1 file=$2 try

	shift 2
	for try in 1 2 3 4; do
		"$@" || echo "dpdk-test ended with status $?" >> "$file"
		dpdk_passed "$bdf" "$file" && return
		dpdk_late "$file" || return
		echo "run $try: DPDK's time limit was too short"
	done
	return 1
}

# dpdk_failed FILE: print the end of FILE, without the progress of the tests.
dpdk_failed()
{
	tr '\r' '\n' < "$1" | grep -av '^Ops submitted' | tail -n 40
	return 1
}

# dpdk_check NAME LABEL OPTION...: run as tests of a suite (../common.sh), and check
# that DPDK used the device NAME.
dpdk_check()
{
	local name=$1 label=$2 out=$WORK/dpdk.log loads stores test

	shift 2
	test="$label: dmadev_autotest passes on ${BDF[$name]}"
	loads=$(counter "$name" trap-load)
	stores=$(counter "$name" trap-store)
	if dpdk_repeat "${BDF[$name]}" "$out" dpdk_autotest "${BDF[$name]}" "$out" "$@" \
		> "$LOG"; then
		ok "$test"
		diag < "$LOG" # the runs that were repeated
	else
		dpdk_failed "$out" >> "$LOG"
		DIAG_LINES=60 not_ok "$test" "$LOG"
	fi
	# Each doorbell is a trapped store, each poll a trapped load.
	check "$label: DPDK used the device's registers" test \
		"$(counter "$name" trap-store)" -gt $((stores + 100)) -a \
		"$(counter "$name" trap-load)" -gt "$loads"
	check "$label: no memory stays mapped" test \
		"$(counter "$name" dma-regions)" = 0
}
