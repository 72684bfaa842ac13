/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel as a harness plays it: libnl's way in gives datagrams of the
 * input, its way out takes what is sent and looks at it.
 */
#ifndef FUZZ_NETLINK_H
#define FUZZ_NETLINK_H

#include "../../netlink/dev.h"
#include "fuzz.h"

/* The number of the family. */
#define NETLINK_FAMILY 0x20

/*
 * A socket that is none.  Its datagrams are in @data: a head of two bytes,
 * length and flags (netlink.c), and then their messages.  NULL: each request
 * is answered with success.
 */
void netlink_open(struct vnl_sock *nl, const uint8_t *data, size_t size);

/* The same for sockets that the code under test opens itself. */
void netlink_feed(const uint8_t *data, size_t size);

/* Bytes of the input that no socket has read yet. */
size_t netlink_left(void);

#endif /* FUZZ_NETLINK_H */
