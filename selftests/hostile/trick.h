/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables of tricks.  A trick is what a broken or malicious server does in place
 * of the right reply to one message.
 *
 * The tricks of generic_tricks[] are played on every action of a consumer and
 * on every step of the handshake (action.h).  A trick that is similar to
 * another trick is played only on a few actions (@thorough).  Each trick of
 * single_tricks[] is played on the action that it names.  To add a case, add a
 * line.
 */
#ifndef HOSTILE_TRICK_H
#define HOSTILE_TRICK_H

#include "server.h"

/* How the case must end. */
enum outcome {
	LOST, /* the device is lost; in the handshake: it is not attached */
	REFUSED, /* the action fails, the device is not lost */
	FINE, /* the trick has no effect */
	BY_SIZE, /* FINE if @delta more bytes are accepted, otherwise LOST */
	BY_SIZE_REFUSED, /* the same for an error reply: REFUSED or LOST */
	ECHOED, /* LOST if the reply must repeat the command, otherwise FINE */
};

/**
 * struct trick - a line of the tables
 * @name: name of the trick, printed in results
 * @fn: plays the trick, in the server's thread
 * @a: argument of @fn
 * @b: argument of @fn
 * @outcome: how the case must end
 * @why: LOST: text in the kernel's line; "|" separates alternatives
 * @helper: in the handshake: text in vuserd's line
 * @delta: bytes, for @outcome
 * @nr_fds: number of descriptors sent
 * @no_header: no header is logged, since the server sent no complete message
 * @answered: LOST, but the command was answered before
 * @thorough: generic_tricks[]: only for actions that are tested thoroughly
 * @slow: ends by a timeout
 * @action: single_tricks[]: name of the action
 * @data: argument of @fn
 * @len: bytes of @data
 * @twin: the server has a twin socket
 */
struct trick {
	const char *name;
	trick_fn fn;
	uint64_t a;
	uint64_t b;
	enum outcome outcome;
	const char *why;
	const char *helper;
	int delta;
	unsigned int nr_fds;
	bool no_header;
	bool answered;
	bool thorough;
	bool slow;
	const char *action;
	const void *data;
	size_t len;
	bool twin;
};

extern const struct trick generic_tricks[];
extern const unsigned int nr_generic_tricks;
extern const struct trick single_tricks[];
extern const unsigned int nr_single_tricks;

#endif /* HOSTILE_TRICK_H */
