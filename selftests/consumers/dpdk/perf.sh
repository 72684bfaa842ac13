# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Run Debian's dpdk-test-dma-perf on a vuser device.

# dma_perf BDF DIRECTORY: copy with the device and with the processor. The results
# are in DIRECTORY/perf.csv, the output is in DIRECTORY/perf.log.
dma_perf()
{
	sed "s/@BDF@/$1/g" "$CONSUMERS/dpdk/dma-perf.ini" > "$2/perf.ini"
	timeout 300 vuserctl exec -- dpdk-test-dma-perf -l 0-1 \
		--config "$2/perf.ini" --result "$2/perf.csv" \
		< /dev/null > "$2/perf.log" 2>&1
}

# perf_rows BDF DIRECTORY: print "device BYTES MEGABYTES-PER-SECOND" and the same
# for "processor", for each block size.
perf_rows()
{
	awk -F, -v bdf="$1" '
		!/^Scenario [0-9]+,/ { next }
		$3 == bdf { print "device", $6, int($10 * 125) }
		$3 == "NA" { print "processor", $6, int($10 * 125) }' "$2/perf.csv"
}

# perf_passed BDF DIRECTORY: whether the device copied blocks of every size, and
# DPDK found the copies equal.
perf_passed()
{
	! grep -aqi "validation fails\|error" "$2/perf.log" &&
		[ "$(perf_rows "$1" "$2" | grep -c '^device .* [1-9]')" = 2 ]
}
