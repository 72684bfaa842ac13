/* SPDX-License-Identifier: GPL-2.0 */
/* A migration that is under way. */
#ifndef VHOST_MIGRATION_H
#define VHOST_MIGRATION_H

#include "stream.h"
#include "transfer.h"

/* Of the back-end's state in one piece. */
#define VHOST_PIECE_MAX 65536

/**
 * struct vhost_migration - what goes out or comes in
 * @buf: what is to go out next
 * @size: of @buf
 * @len: bytes in @buf
 * @pos: bytes of them that have gone
 * @ended: nothing comes after @buf
 * @in: what comes in
 * @backend: the back-end's own state is in it
 * @transfer: of that
 * @loading: the back-end has part of a state
 * @loaded: a state was taken over, and did not run yet
 */
struct vhost_migration {
	uint8_t *buf;
	size_t size;
	size_t len;
	size_t pos;
	bool ended;
	struct vhost_stream in;
	bool backend;
	struct vhost_transfer transfer;
	bool loading;
	bool loaded;
};

#endif
