#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The command lines of all programs: help, version, exit statuses and the completion of
# bash, zsh and fish. Prints TAP.
# usage: COMPLETION=DIRECTORY VERSION=NUMBER test-programs

# shellcheck disable=SC2016,SC2317 # strings for other shells, functions that check calls
BIN=$(cd "$(dirname "$0")" && pwd)
PATH=$BIN:$PATH
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
number=0
failed=0

# check NAME COMMAND...: one test, which passes if COMMAND succeeds.
check()
{
	local name=$1 output

	shift
	number=$((number + 1))
	if output=$("$@" 2>&1); then
		echo "ok $number - $name"
	else
		failed=1
		echo "not ok $number - $name"
		sed 's/^/# /' <<< "$output"
	fi
}

# skip NAME REASON
skip()
{
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

# status_is STATUS COMMAND...: COMMAND ends with STATUS.
status_is()
{
	local want=$1

	shift
	"$@"
	set -- "$?"
	echo "exit status $1"
	[ "$1" = "$want" ]
}

# is_silent COMMAND...: COMMAND prints nothing on stderr.
is_silent()
{
	[ -z "$("$@" 2>&1 > /dev/null)" ]
}

# offers_all PROGRAM: --complete offers each option of --help.
offers_all()
{
	local option help

	help=$("$1" --help | grep -o -- '^  *\(-[a-zA-Z], \)\?--[a-z-]*' | grep -o -- '--[a-z-]*')
	[ -n "$help" ] || return
	for option in $help; do
		"$1" --complete -- 2> /dev/null | cut -f 1 | grep -qx -- "$option" && continue
		echo "$option is not offered"
		return 1
	done
}

for program in vuserctl vuserd vuser-ioat vuser-vhost; do
	check "$program --version prints the version of the build" eval \
		'[ "$($program --version)" = "$program $VERSION" ]'
	check "$program --help prints how it is used" eval \
		'$program --help | grep -q "^usage: $program "'
	check "$program --help prints no error" is_silent $program --help
	check "$program with an unknown option ends with EX_USAGE" status_is 64 \
		$program --no-such-option
	check "$program offers each option of its help" offers_all $program
done
check "vuserd with an operand ends with EX_USAGE" status_is 64 vuserd operand
check "vuser-vhost without a device ends with EX_USAGE" status_is 64 vuser-vhost
check "vuser-ioat with a limit that is not a number ends with EX_USAGE" status_is 64 \
	vuser-ioat --max-dma-maps x
check "vuser-ioat that cannot listen ends with EX_CANTCREAT" status_is 73 \
	vuser-ioat --socket "$WORK/none/socket"
check "vuser-vhost without its back end ends with EX_UNAVAILABLE" status_is 69 \
	vuser-vhost --device blk --back-end "$WORK/none" --socket "$WORK/socket"
check "vuserctl without a command ends with EX_USAGE" status_is 64 vuserctl
check "vuserctl with an unknown command ends with EX_USAGE" status_is 64 vuserctl none
check "vuserctl with an unknown state ends with EX_USAGE" status_is 64 \
	vuserctl list --state none
check "vuserctl restore of a file that does not exist ends with EX_NOINPUT" status_is 66 \
	vuserctl restore "$WORK/none"
echo '{"no": "definition"}' > "$WORK/bad"
check "vuserctl restore of a malformed file ends with EX_DATAERR" status_is 65 \
	vuserctl restore "$WORK/bad"
if [ -d /sys/module/vuser ]; then
	skip "vuserctl without the module ends with EX_UNAVAILABLE" "the module is loaded"
else
	check "vuserctl without the module ends with EX_UNAVAILABLE" status_is 69 vuserctl list
fi

# The words that the shells offer.
commands=$(vuserctl --complete "" | cut -f 1 | sort)

# in_bash WORD...: print what bash offers for the last word.
in_bash()
{
	bash --norc -c '. "$COMPLETION/vuser.bash"
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		compopt() { :; }
		_vuser "$1"
		printf "%s\n" "${COMPREPLY[@]}"' bash "$@" | sort
}

# in_zsh WORD...: the same for zsh. The functions of zsh for completion only work in its
# line editor, so this function replaces them.
in_zsh()
{
	zsh -f -c '_call_program() { shift; eval "$@" }
		_describe() { printf "%s\n" "${(@)${(P)2}%%:*}" }
		_files() { print -l files }
		words=("$@") CURRENT=$#
		_load() { . "$COMPLETION/_vuser" }
		_load' zsh "$@" | sort
}

# in_fish LINE: the same for fish.
in_fish()
{
	HOME=$WORK fish --no-config -c 'source $COMPLETION/vuser.fish; complete -C $argv[1]' "$1" |
		cut -f 1 | sort
}

is()
{
	local want=$1 got

	shift
	got=$("$@") || return
	[ "$got" = "$want" ] || { echo "got '$got', not '$want'"; return 1; }
}

values=$(printf '%s\n' auto sparse trap)
check "bash offers all commands" is "$commands" in_bash vuserctl ""
check "bash offers the values of a setting" is "$values" in_bash vuserctl create --mmap ""
check "bash offers the values after an equals sign" is "$values" \
	in_bash vuserctl create --mmap =
check "bash offers options of vuser-ioat" is --no-fd-dma in_bash vuser-ioat --no
check "bash offers files" eval 'cd "$WORK" && is bad in_bash vuserctl restore b'
if command -v zsh > /dev/null; then
	check "zsh offers all commands" is "$commands" in_zsh vuserctl ""
	check "zsh offers the values of a setting" is "$values" in_zsh vuserctl create --mmap ""
	check "zsh offers files" is files in_zsh vuserctl restore ""
else
	skip "zsh offers all commands" "zsh is not installed"
fi
if command -v fish > /dev/null; then
	check "fish offers all commands" is "$commands" in_fish "vuserctl "
	check "fish offers the values of a setting" is "$values" in_fish "vuserctl create --mmap "
	check "fish offers files" eval 'cd "$WORK" && is bad in_fish "vuserctl restore b"'
else
	skip "fish offers all commands" "fish is not installed"
fi
echo "1..$number"
exit $failed
