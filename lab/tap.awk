# SPDX-License-Identifier: GPL-2.0
# Sum TAP files: one line "FILE PASSED FAILED SKIPPED" for each on standard output,
# failures, with the comments around them, and skips in words to the file named by the
# variable `notes`. A file whose plans do not add up to its results counts one failure
# more.

function note(kind, text) {
	print kind " " name ": " text > notes
}

# The last three comments before a result.
function forget() {
	before[0] = before[1] = before[2] = ""
}

function finish() {
	if (name == "")
		return
	if (!plans) {
		failed++
		note("FAILED", "has no plan: it did not get to its end")
	} else if (planned != seen) {
		failed++
		note("FAILED", "planned " planned " tests, saw " seen)
	}
	print name, passed + 0, failed + 0, skipped + 0
}

FNR == 1 {
	finish()
	name = FILENAME
	sub(/^.*build\/check\//, "", name)
	sub(/\.tap$/, "", name)
	passed = failed = skipped = planned = seen = plans = 0
	forget()
}

{ sub(/\r$/, "") }

/^1\.\.[0-9]+/ {
	plans++
	planned += substr($1, 4)
	if ($1 == "1..0") {
		skipped++
		reason = $0
		sub(/^1\.\.0[ \t#]*(SKIP)?[ \t]*/, "", reason)
		note("SKIPPED", "all of it: " reason)
	}
}

/^ok( |$)/ {
	seen++
	comments = 0
	forget()
	if (toupper($0) ~ /# *(SKIP|XFAIL)/) {
		skipped++
		note("SKIPPED", substr($0, 4))
	} else {
		passed++
	}
}

/^not ok( |$)/ {
	seen++
	failed++
	note("FAILED", substr($0, 8))
	for (i = 0; i < 3; i++)
		if (before[i] != "")
			note("WHY", before[i])
	forget()
	comments = 3
}

# A test in C says why before its result, and the next one's start is no reason.
/^#/ && !/^# +(RUN|OK|FAIL) / {
	before[0] = before[1]
	before[1] = before[2]
	before[2] = substr($0, 3)
	if (comments > 0) {
		comments--
		note("WHY", substr($0, 3))
	}
}

/^#  RUN / { comments = 0 }

/^Bail out!/ {
	failed++
	note("FAILED", $0)
}

END { finish() }
