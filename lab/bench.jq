# SPDX-License-Identifier: GPL-2.0
# build/bench.json as a table. A row: {name, value, unit, baseline, ratio, limit}, of
# which the last three may be null.
def column(width): tostring | . + (" " * ([width - length, 1] | max));
def number: if . == null then "-" else (. * 1000 | round / 1000) end;
([["row", "value", "baseline", "ratio", "limit"]] +
 map([.name, "\(.value | number) \(.unit)",
      (if .baseline == null then "-" else "\(.baseline | number) \(.unit)" end),
      (.ratio | number), (.limit // "-")]))[] |
(.[0] | column(56)) + (.[1] | column(18)) + (.[2] | column(18)) +
(.[3] | column(9)) + (.[4] | tostring)
