#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Compile each public header alone, in C11 and in C++17; prints TAP.
# usage: CC=cc CXX=c++ INCLUDES="DIRECTORY..." test-headers
number=0
failed=0

# compile HEADER LANGUAGE COMMAND...: a program that only includes the header.
compile()
{
	header=$1
	language=$2
	shift 2
	number=$((number + 1))
	if output=$(echo "#include <$header>" |
		"$@" -Wall -Wextra -Werror -fsyntax-only - 2>&1); then
		echo "ok $number - $header compiles alone in $language"
	else
		failed=1
		echo "not ok $number - $header compiles alone in $language"
		echo "$output" | sed 's/^/# /'
	fi
}

options=
for dir in $INCLUDES; do
	options="$options -I$dir"
done
for dir in $INCLUDES; do
	for path in "$dir"/*/*.h; do
		name=${path#"$dir"/}
		# shellcheck disable=SC2086 # several words
		compile "$name" C11 $CC -std=c11 $options -x c
		# shellcheck disable=SC2086 # several words
		compile "$name" C++17 $CXX -std=c++17 $options -x c++
	done
done
echo "1..$number"
exit $failed
