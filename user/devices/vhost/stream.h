/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The stream of a migration: a header, the device's own state, the back-end's
 * state in pieces of any length, an end.  What comes in is taken apart however it
 * is cut.
 */
#ifndef VHOST_STREAM_H
#define VHOST_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes in front of the device's state, and of each piece. */
#define VHOST_STREAM_HEAD  16
#define VHOST_STREAM_PIECE 4

/**
 * struct vhost_stream_ops - what comes out of it; all return 0 or -errno
 * @device: the device's state
 * @backend: some of the back-end's
 * @end: that was all
 */
struct vhost_stream_ops {
	int (*device)(void *ctx, const void *buf, size_t len);
	int (*backend)(void *ctx, const void *buf, size_t len);
	int (*end)(void *ctx);
};

/**
 * struct vhost_stream - one that comes in
 * @ops: see there
 * @ctx: for @ops
 * @size: of the device's state
 * @buf: for it and the header before it
 * @got: bytes in @buf
 * @piece: head of a piece, little endian
 * @piece_got: bytes in @piece
 * @left: bytes of the piece that are still to come
 * @ended: its end has come
 * @error: of an earlier call, else 0
 * @rule: what is wrong with it, NULL when that is not known here
 */
struct vhost_stream {
	const struct vhost_stream_ops *ops;
	void *ctx;
	size_t size;
	uint8_t *buf;
	size_t got;
	uint8_t piece[VHOST_STREAM_PIECE];
	size_t piece_got;
	uint32_t left;
	bool ended;
	int error;
	const char *rule;
};

void vhost_stream_head(void *buf, uint32_t size);
void vhost_stream_piece(void *buf, uint32_t len);

int vhost_stream_init(struct vhost_stream *st,
		      const struct vhost_stream_ops *ops, void *ctx,
		      size_t size);
void vhost_stream_fini(struct vhost_stream *st);
int vhost_stream_take(struct vhost_stream *st, const void *buf, size_t len);

#endif
