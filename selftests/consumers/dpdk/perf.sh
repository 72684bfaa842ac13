# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Debian's dpdk-test-dma-perf on a vuser device.

# dma_perf BDF DIRECTORY: copies by the device and by the processor; the results
# are DIRECTORY/perf.csv, what it printed DIRECTORY/perf.log.
dma_perf()
{
	sed "s/@BDF@/$1/g" "$CONSUMERS/dpdk/dma-perf.ini" > "$2/perf.ini"
	timeout 300 vuserctl exec -- dpdk-test-dma-perf -l 0-1 \
		--config "$2/perf.ini" --result "$2/perf.csv" \
		< /dev/null > "$2/perf.log" 2>&1
}

# perf_rows BDF DIRECTORY: "WHO BYTES MEGABYTES-PER-SECOND" for each block size.
perf_rows()
{
	awk -F, -v bdf="$1" '
		!/^Scenario [0-9]+,/ { next }
		$3 == bdf { print "device", $6, int($10 * 125) }
		$3 == "NA" { print "processor", $6, int($10 * 125) }' "$2/perf.csv"
}

# perf_passed BDF DIRECTORY: every block size was copied by the device, and what
# it copied compared equal.
perf_passed()
{
	! grep -aqi "validation fails\|error" "$2/perf.log" &&
		[ "$(perf_rows "$1" "$2" | grep -c '^device .* [1-9]')" = 2 ]
}
