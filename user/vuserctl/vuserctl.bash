# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Completion of vuserctl(8) for bash.

_vuserctl_devices()
{
	vuserctl list 2>/dev/null | awk 'NR > 1 { print $1; print $3 }'
}

# _vuserctl_value OPTION WORD: complete the value of OPTION in COMPREPLY.  Return
# 0 if OPTION takes a value.
_vuserctl_value()
{
	case $1 in
	--endpoint)
		mapfile -t COMPREPLY < <(compgen -f -- "$2") ;;
	--mmap)
		mapfile -t COMPREPLY < <(compgen -W "auto trap sparse" -- "$2") ;;
	--reset|--pci-setup)
		mapfile -t COMPREPLY < <(compgen -W "auto never" -- "$2") ;;
	--dma-backing)
		mapfile -t COMPREPLY < <(compgen -W "auto memory file" -- "$2") ;;
	--dma-holes)
		mapfile -t COMPREPLY < <(compgen -W "scratch fault" -- "$2") ;;
	--on-loss)
		mapfile -t COMPREPLY < <(compgen -W "fail wait ones" -- "$2") ;;
	--state-kept)
		mapfile -t COMPREPLY < <(compgen -W "no yes" -- "$2") ;;
	--server-user)
		mapfile -t COMPREPLY < <(compgen -W any -u -- "$2") ;;
	--uuid|--vhost|--pci-address|--max-dma-maps|--request-timeout-ms|\
	--close-timeout-ms|--reconnect-timeout-ms|-i|-n|--interval|--count)
		;;
	*)
		return 1 ;;
	esac
}

_vuserctl()
{
	local commands="help create remove list show set monitor stats exec"
	local settings="--endpoint --pci-address --mmap --reset --pci-setup
		--dma-backing --dma-holes --max-dma-maps --request-timeout-ms
		--close-timeout-ms --server-user --on-loss
		--reconnect-timeout-ms --state-kept"
	local word=${COMP_WORDS[COMP_CWORD]} i=1

	COMPREPLY=()
	while [[ ${COMP_WORDS[i]} == -* && $i -lt $COMP_CWORD ]]; do
		((i++))
	done
	if [ "$i" -eq "$COMP_CWORD" ]; then
		mapfile -t COMPREPLY < <(compgen -W "$commands -j --json
			--help --version" -- "$word")
		return
	fi
	_vuserctl_value "${COMP_WORDS[COMP_CWORD - 1]}" "$word" && return
	case ${COMP_WORDS[i]} in
	create)
		mapfile -t COMPREPLY < <(compgen -W "--uuid --wait --vhost $settings" \
			-- "$word") ;;
	set)
		mapfile -t COMPREPLY < <(compgen -W "$settings
			$(_vuserctl_devices)" -- "$word") ;;
	stats)
		mapfile -t COMPREPLY < <(compgen -W "-i -n
			$(_vuserctl_devices)" -- "$word") ;;
	remove|show)
		mapfile -t COMPREPLY < <(compgen -W "$(_vuserctl_devices)" \
			-- "$word") ;;
	exec)
		mapfile -t COMPREPLY < <(compgen -c -- "$word") ;;
	esac
}

# PCI addresses contain colons, which bash takes for the end of a word.
COMP_WORDBREAKS=${COMP_WORDBREAKS//:}
complete -F _vuserctl vuserctl
