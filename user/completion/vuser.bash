# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Completion of vuserctl(8), vuserd(8), vuser-ioat(1) and vuser-vhost(1) for bash. The
# programs know the words: see --complete in vuserctl(8).

_vuser()
{
	local word=${COMP_WORDS[COMP_CWORD]} line words=() i

	for ((i = 1; i <= COMP_CWORD; i++)); do
		# The program gets "--option=value" as "--option" and "value".
		if [ "${COMP_WORDS[i]}" != = ]; then
			words+=("${COMP_WORDS[i]}")
		elif ((i == COMP_CWORD)); then
			words+=("")
			word=
		fi
	done
	COMPREPLY=()
	while IFS=$'\t' read -r line _; do
		case $line in
		:files)
			compopt -o filenames
			mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$word") ;;
		:users)
			mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -u -- "$word") ;;
		:programs)
			mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -c -- "$word") ;;
		*)
			COMPREPLY+=("$line") ;;
		esac
	done < <("$1" --complete "${words[@]}" 2> /dev/null)
}

# PCI addresses contain colons, which bash takes for the end of a word.
COMP_WORDBREAKS=${COMP_WORDBREAKS//:}
complete -F _vuser vuserctl vuserd vuser-ioat vuser-vhost
