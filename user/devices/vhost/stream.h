/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The stream of a migration: a header, the device's state, the back end's state
 * in pieces of any length, and an end mark. The stream may be received in parts
 * of any size.
 */
#ifndef VHOST_STREAM_H
#define VHOST_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bytes of the header of the stream, which precedes the device's state, and of the
 * header of each piece.
 */
#define VHOST_STREAM_HEAD  16
#define VHOST_STREAM_PIECE 4

/**
 * struct vhost_stream_ops - callbacks for the parts of a stream; 0 or -errno
 * @device: the device's state
 * @backend: a part of the back end's state
 * @end: the end of the stream
 */
struct vhost_stream_ops {
	int (*device)(void *ctx, const void *buf, size_t len);
	int (*backend)(void *ctx, const void *buf, size_t len);
	int (*end)(void *ctx);
};

/**
 * struct vhost_stream - a stream that is being received
 * @ops: callbacks
 * @ctx: for @ops
 * @size: bytes of the device's state
 * @buf: the header and the device's state
 * @got: bytes in @buf
 * @piece: header of a piece, little endian
 * @piece_got: bytes in @piece
 * @left: bytes of the current piece that are missing
 * @ended: the end was received
 * @error: error of an earlier call, otherwise 0
 * @rule: the rule that the stream breaks; NULL after an error of a callback
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
