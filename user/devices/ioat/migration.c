// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "migration.h"
#include "regs.h"

_Static_assert(sizeof(struct ioat_stream) ==
		       8 * 16 + IOAT_MSIX_VECTORS * PCI_MSIX_ENTRY_SIZE +
			       VUSER_PCIE_CFG_SIZE,
	       "the stream has no gaps");
_Static_assert(offsetof(struct ioat_stream, next) == IOAT_STREAM_HEADER,
	       "the stream starts with its header");

static uint32_t flags_of(const struct ioat_kept_channel *c)
{
	return (c->place.first ? IOAT_STREAM_FIRST : 0) |
	       (c->place.complete ? IOAT_STREAM_COMPLETE : 0) |
	       (c->suspending ? IOAT_STREAM_SUSPENDING : 0) |
	       (c->armed ? IOAT_STREAM_ARMED : 0) |
	       (c->attention ? IOAT_STREAM_ATTENTION : 0) |
	       (c->chancmp_valid ? IOAT_STREAM_CMP_VALID : 0);
}

/**
 * ioat_migration_begin - begin to send the stream with its header
 * @m: the transfer
 */
void ioat_migration_begin(struct ioat_migration *m)
{
	*m = (struct ioat_migration) {
		.stream = {
			.magic = IOAT_STREAM_MAGIC,
			.version = IOAT_STREAM_VERSION,
			.size = sizeof(m->stream),
		},
		.end = IOAT_STREAM_HEADER,
	};
}

/**
 * ioat_migration_encode - make the stream from the state of a stopped device
 * @m: the transfer, after ioat_migration_begin()
 * @channel: from ioat_channel_save()
 * @device: what does not belong to the channel
 */
void ioat_migration_encode(struct ioat_migration *m,
			   const struct ioat_kept_channel *channel,
			   const struct ioat_kept_device *device)
{
	struct ioat_stream *stream = &m->stream;

	*stream = (struct ioat_stream) {
		.magic = IOAT_STREAM_MAGIC,
		.version = IOAT_STREAM_VERSION,
		.size = sizeof(*stream),
		.next = channel->place.next,
		.current = channel->place.current,
		.completed = channel->place.completed,
		.cmp_addr = channel->place.cmp_addr,
		.cmp_value = channel->place.cmp_value,
		.cmp_before = channel->place.cmp_before,
		.chainaddr = channel->chainaddr,
		.chancmp = channel->chancmp,
		.state = channel->state,
		.chanerr = channel->chanerr,
		.chanerrmask = channel->chanerrmask,
		.chanerr_int = channel->chanerr_int,
		.chanerrmask_int = channel->chanerrmask_int,
		.flags = flags_of(channel),
		.count = channel->count,
		.done = channel->place.done,
		.chanctrl = channel->chanctrl,
		.intrdelay = device->intrdelay,
		.genctrl = device->genctrl,
		.intrctrl = device->intrctrl,
	};
	memcpy(stream->pba, device->pba, sizeof(stream->pba));
	memcpy(stream->table, device->table, sizeof(stream->table));
	memcpy(stream->cfg, device->cfg, sizeof(stream->cfg));
	m->end = sizeof(*stream);
}

/* Return NULL, or the rule that the header breaks. */
static const char *broken_header(const struct ioat_stream *s)
{
	if (s->magic != IOAT_STREAM_MAGIC)
		return "it is not the state of a vuser-ioat";
	if (s->version != IOAT_STREAM_VERSION || s->size != sizeof(*s))
		return "another version of vuser-ioat has written it";
	return NULL;
}

/* Return NULL, or the rule that the stream breaks. The header has been checked. */
static const char *broken_rule(const struct ioat_migration *m)
{
	const struct ioat_stream *s = &m->stream;

	if (m->pos < sizeof(*s))
		return "it is incomplete";
	if (s->state > IOAT_ARMED || s->flags & ~IOAT_STREAM_FLAGS ||
	    s->chancmp % IOAT_CHANCMP_ALIGN)
		return "a register has an impossible value";
	return NULL;
}

/**
 * ioat_migration_decode - check the received stream, and take the state from it
 * @m: the transfer
 * @channel: for ioat_channel_load()
 * @device: what does not belong to the channel; the caller checks @cfg
 * @why: set on error: the rule that the stream breaks
 *
 * Return: 0 or -EINVAL.
 */
int ioat_migration_decode(const struct ioat_migration *m,
			  struct ioat_kept_channel *channel,
			  struct ioat_kept_device *device, const char **why)
{
	const struct ioat_stream *s = &m->stream;

	*why = broken_rule(m);
	if (*why)
		return -EINVAL;
	*channel = (struct ioat_kept_channel) {
		.place = {
			.next = s->next,
			.current = s->current,
			.completed = s->completed,
			.cmp_addr = s->cmp_addr,
			.cmp_value = s->cmp_value,
			.cmp_before = s->cmp_before,
			.done = s->done,
			.first = s->flags & IOAT_STREAM_FIRST,
			.complete = s->flags & IOAT_STREAM_COMPLETE,
		},
		.state = s->state,
		.count = s->count,
		.chanctrl = s->chanctrl,
		.chainaddr = s->chainaddr,
		.chancmp = s->chancmp,
		.chanerr = s->chanerr,
		.chanerrmask = s->chanerrmask,
		.chanerr_int = s->chanerr_int,
		.chanerrmask_int = s->chanerrmask_int,
		.suspending = s->flags & IOAT_STREAM_SUSPENDING,
		.armed = s->flags & IOAT_STREAM_ARMED,
		.attention = s->flags & IOAT_STREAM_ATTENTION,
		.chancmp_valid = s->flags & IOAT_STREAM_CMP_VALID,
	};
	*device = (struct ioat_kept_device) {
		.genctrl = s->genctrl,
		.intrctrl = s->intrctrl,
		.intrdelay = s->intrdelay,
	};
	memcpy(device->pba, s->pba, sizeof(device->pba));
	memcpy(device->table, s->table, sizeof(device->table));
	memcpy(device->cfg, s->cfg, sizeof(device->cfg));
	return 0;
}

/**
 * ioat_migration_read - send the next bytes of the stream
 * @m: the transfer
 * @buf: room for @count bytes
 * @count: bytes
 *
 * Return: number of bytes; fewer than @count at the end of the bytes that are valid.
 */
size_t ioat_migration_read(struct ioat_migration *m, void *buf, size_t count)
{
	size_t left = m->end - m->pos;

	if (count > left)
		count = left;
	memcpy(buf, (const char *)&m->stream + m->pos, count);
	m->pos += count;
	return count;
}

/**
 * ioat_migration_write - receive the next bytes of the stream
 * @m: the transfer
 * @buf: @count bytes
 * @count: bytes
 * @why: set on error: the rule that the stream breaks
 *
 * Checks the header when it is complete.
 *
 * Return: 0 or -EINVAL.
 */
int ioat_migration_write(struct ioat_migration *m, const void *buf,
			 size_t count, const char **why)
{
	*why = "it is too long";
	if (count > sizeof(m->stream) - m->pos)
		return -EINVAL;
	memcpy((char *)&m->stream + m->pos, buf, count);
	m->pos += count;
	*why = m->pos < IOAT_STREAM_HEADER ? NULL : broken_header(&m->stream);
	return *why ? -EINVAL : 0;
}
