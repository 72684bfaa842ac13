// SPDX-License-Identifier: GPL-2.0
/* The stream of a migration, see the header. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"

#define VERSION 2

static const char magic[8] = { 'v', 'u', 's', 'e', 'r', 'v', 'h', 'o' };

struct head {
	char magic[8];
	uint32_t version;
	uint32_t size;
};

_Static_assert(sizeof(struct head) == VHOST_STREAM_HEAD, "size of the header");

/**
 * vhost_stream_head - write the header, which precedes @size bytes of the
 * device's state
 */
void vhost_stream_head(void *buf, uint32_t size)
{
	struct head head = {
		.version = htole32(VERSION),
		.size = htole32(size),
	};

	memcpy(head.magic, magic, sizeof(magic));
	memcpy(buf, &head, sizeof(head));
}

/**
 * vhost_stream_piece - write the header of a piece, which precedes @len bytes
 * of the back end's state; 0 marks the end
 */
void vhost_stream_piece(void *buf, uint32_t len)
{
	len = htole32(len);
	memcpy(buf, &len, sizeof(len));
}

/**
 * vhost_stream_init - prepare to receive a stream
 * @st: filled in
 * @ops: callbacks; must stay valid
 * @ctx: for @ops
 * @size: size that the device's state must have
 *
 * Return: 0 or -ENOMEM.
 */
int vhost_stream_init(struct vhost_stream *st,
		      const struct vhost_stream_ops *ops, void *ctx,
		      size_t size)
{
	*st = (struct vhost_stream) {
		.ops = ops,
		.ctx = ctx,
		.size = size,
		.buf = malloc(VHOST_STREAM_HEAD + size),
	};
	return st->buf ? 0 : -ENOMEM;
}

/** vhost_stream_fini - free a stream; it may be all zeroes */
void vhost_stream_fini(struct vhost_stream *st)
{
	free(st->buf);
	memset(st, 0, sizeof(*st));
}

static int broken(struct vhost_stream *st, const char *rule)
{
	st->rule = rule;
	return -EINVAL;
}

/*
 * Collect up to @want bytes in @buf. Return how many bytes of the input were
 * used.
 */
static size_t gather(uint8_t *buf, size_t *got, size_t want, const void *in,
		     size_t len)
{
	size_t part = want - *got;

	if (part > len)
		part = len;
	if (part)
		memcpy(buf + *got, in, part);
	*got += part;
	return part;
}

static int check_head(struct vhost_stream *st)
{
	struct head head;

	memcpy(&head, st->buf, sizeof(head));
	if (memcmp(head.magic, magic, sizeof(magic)))
		return broken(st, "it is not a stream of vuser-vhost");
	if (le32toh(head.version) != VERSION)
		return broken(st, "it has another version of the format");
	if (le32toh(head.size) != st->size)
		return broken(st, "its size does not match this device");
	return 0;
}

/*
 * Receive the header and the device's state. Return how many bytes of the input
 * were used, or -errno.
 */
static ssize_t take_device(struct vhost_stream *st, const void *in, size_t len)
{
	size_t want = VHOST_STREAM_HEAD, part;
	int ret = 0;

	if (st->got >= VHOST_STREAM_HEAD)
		want += st->size;
	part = gather(st->buf, &st->got, want, in, len);
	if (st->got < want)
		return part;
	if (want == VHOST_STREAM_HEAD)
		ret = check_head(st);
	else
		ret = st->ops->device(st->ctx, st->buf + VHOST_STREAM_HEAD,
				      st->size);
	return ret ?: (ssize_t)part;
}

static ssize_t take_piece(struct vhost_stream *st, const void *in, size_t len)
{
	uint32_t left;
	size_t part;
	int ret = 0;

	if (st->left) {
		part = st->left < len ? st->left : len;
		st->left -= part;
		ret = st->ops->backend(st->ctx, in, part);
		return ret ?: (ssize_t)part;
	}
	part = gather(st->piece, &st->piece_got, sizeof(st->piece), in, len);
	if (st->piece_got < sizeof(st->piece))
		return part;
	st->piece_got = 0;
	memcpy(&left, st->piece, sizeof(left));
	st->left = le32toh(left);
	if (!st->left) {
		st->ended = true;
		ret = st->ops->end(st->ctx);
	}
	return ret ?: (ssize_t)part;
}

/**
 * vhost_stream_take - receive the next bytes of a stream
 * @st: stream
 * @buf: the bytes
 * @len: of @buf
 *
 * Return: 0; -EINVAL if the stream breaks @st->rule; or the error of a
 * callback. Each later call returns the same error.
 */
int vhost_stream_take(struct vhost_stream *st, const void *buf, size_t len)
{
	const size_t device = VHOST_STREAM_HEAD + st->size;
	const uint8_t *in = buf;
	ssize_t used = 0;

	while (len && !st->error) {
		if (st->got < device)
			used = take_device(st, in, len);
		else if (!st->ended)
			used = take_piece(st, in, len);
		else
			used = broken(st, "more data follows after its end");
		if (used < 0) {
			st->error = used;
			break;
		}
		in += used;
		len -= used;
	}
	return st->error;
}
