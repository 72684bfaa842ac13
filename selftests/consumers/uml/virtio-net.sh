#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In User-Mode Linux: Linux's driver virtio_net uses a network card.
# usage: virtio-net.sh ADDRESS MAC
#   ADDRESS	the IP address that answers on the network 10.99.0.0/24
#   MAC		the card's address

# shellcheck source-path=SCRIPTDIR source=check.sh
. "$(dirname "$0")/check.sh"
# shellcheck source-path=SCRIPTDIR source=card.sh
. "$(dirname "$0")/card.sh"

check "virtio_net binds to the card" eval 'ls -d /sys/bus/virtio/drivers/virtio_net/virtio*'
check "eth0 has the address of the card and a link" card_up "$2"
check "small packets are answered" pings 56 "$1"
check "large packets are answered" pings 1400 "$1"
check "the card has interrupted" interrupts 'virtio[0-9]+-input'
finish
