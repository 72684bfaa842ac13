# SPDX-License-Identifier: GPL-2.0
# build/bench.json as a table. A row: {name, value, unit, baseline, ratio, low, high,
# limit, floor}, of which the last six may be null. The ratio is to be the limit or
# less, or the floor or more; the last column says whether it is.
def column(width): tostring | . + (" " * ([width - length, 1] | max));
def number: if . == null then "-" else (. * 1000 | round / 1000) end;
def ratio: "\(.ratio | number)" +
	if .low then " (\(.low | number) to \(.high | number))" else "" end;
def wanted: if .floor then "\(.floor) or more"
	elif .limit then "\(.limit) or less" else "-" end;
def reached: if (.floor // .limit) == null then ""
	elif (.floor and .ratio < .floor) or (.limit and .ratio > .limit) then "NO"
	else "yes" end;
([["row", "value", "baseline", "ratio", "must be", "reached"]] +
 map([.name, "\(.value | number) \(.unit)",
      (if .baseline == null then "-" else "\(.baseline | number) \(.unit)" end),
      ratio, wanted, reached]))[] |
(.[0] | column(60)) + (.[1] | column(18)) + (.[2] | column(18)) +
(.[3] | column(25)) + (.[4] | column(14)) + .[5]
