/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's side of netlink: libnl's receive function returns datagrams of
 * the input, and its send function checks each message.
 */
#ifndef FUZZ_NETLINK_H
#define FUZZ_NETLINK_H

#include "../../netlink/dev.h"
#include "fuzz.h"

/* The number of the netlink family "vuser" in the input. */
#define NETLINK_FAMILY 0x20

/*
 * Open a socket without a file.  Its datagrams are in @data: each has a head of
 * two bytes, length and flags (see netlink.c), and then its messages. If @data is
 * NULL, each request succeeds.
 */
void netlink_open(struct vnl_sock *nl, const uint8_t *data, size_t size);

/* The same for sockets that the code under test opens itself. */
void netlink_feed(const uint8_t *data, size_t size);

/* Return the number of input bytes not yet received. */
size_t netlink_left(void);

#endif /* FUZZ_NETLINK_H */
