# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions for scripts that use a network card in User-Mode Linux.

# card_up MAC: whether the card has this address; give it an IP address and wait for its
# link.
card_up()
{
	grep -i "$1" /sys/class/net/eth0/address &&
		ip addr add 10.99.0.2/24 dev eth0 && ip link set eth0 up &&
		soon grep 1 /sys/class/net/eth0/carrier
}

# pings SIZE ADDRESS: send 20 pings; each must be answered. (With a deadline, -w, ping would
# send more than 20 until it has 20 answers.)
pings()
{
	local text

	text=$(ping -n -c 20 -i 0.01 -s "$1" -W "$SOON" "$2")
	echo "$text"
	[[ $text == *"20 received, 0% packet loss"* ]]
}
