/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a broken or malicious server does to one message, as tables.
 *
 * generic_tricks[] are played to every act of a consumer's and to every step
 * of the handshake (act.h), those that differ little from another only to a
 * few; single_tricks[] each to the act that they name.
 * A line more is a case more.
 */
#ifndef HOSTILE_TRICK_H
#define HOSTILE_TRICK_H

#include "server.h"

/* How it must end. */
enum fate {
	LOST, /* the device is lost; in the handshake, it is not attached */
	REFUSED, /* what the consumer did fails, the device stays */
	FINE, /* as if nothing had been */
	BY_SIZE, /* FINE or LOST: is a reply of @delta bytes more taken? */
	BY_SIZE_REFUSED, /* REFUSED or LOST: an error reply of @delta bytes? */
	ECHOED, /* LOST where the reply is to repeat what was asked, or FINE */
};

/**
 * struct trick - a line of the tables
 * @name: for people
 * @fn: does it, in the server's thread
 * @a: for @fn
 * @b: for @fn
 * @fate: see there
 * @why: LOST: what the kernel's line says; "|" between alternatives
 * @helper: the same for the line of vuserd, where it is played in a handshake
 * @delta: bytes, for @fate
 * @nr_fds: descriptors that come along
 * @no_header: LOST without a message that could be named
 * @answered: LOST, but what the consumer asked was answered before
 * @thorough: generic_tricks[]: only for the acts that are tried thoroughly
 * @slow: ends by a time-out
 * @act: single_tricks[]: name of the act that it is played to
 * @data: for @fn
 * @len: bytes of @data
 * @twin: the server has a twin socket
 */
struct trick {
	const char *name;
	trick_fn fn;
	uint64_t a;
	uint64_t b;
	enum fate fate;
	const char *why;
	const char *helper;
	int delta;
	unsigned int nr_fds;
	bool no_header;
	bool answered;
	bool thorough;
	bool slow;
	const char *act;
	const void *data;
	size_t len;
	bool twin;
};

extern const struct trick generic_tricks[];
extern const unsigned int nr_generic_tricks;
extern const struct trick single_tricks[];
extern const unsigned int nr_single_tricks;

#endif /* HOSTILE_TRICK_H */
