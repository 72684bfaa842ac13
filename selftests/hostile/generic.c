// SPDX-License-Identifier: GPL-2.0
/*
 * Tricks that can be played on any reply (trick.h).
 */
#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "trick.h"

/* Sends the changed reply. */
static enum next go(struct server *s)
{
	server_send_message(s, &s->reply);
	return NEXT_SERVE;
}

static enum next hang_up(struct server *s, const struct trick *t)
{
	return NEXT_HANG_UP;
}

static enum next silent(struct server *s, const struct trick *t)
{
	return NEXT_SILENT;
}

/* Sends the first @a bytes of the reply, then does @b (NEXT_*). */
static enum next cut(struct server *s, const struct trick *t)
{
	s->reply.hdr.msg_size = sizeof(s->reply.hdr) + s->reply.len;
	server_send(s, &s->reply, t->a, NULL, 0);
	return t->b;
}

/* Sets the message size to @a, whatever is sent. */
static enum next size(struct server *s, const struct trick *t)
{
	s->reply.hdr.msg_size = t->a;
	server_send(s, &s->reply, sizeof(s->reply.hdr) + s->reply.len, NULL, 0);
	return NEXT_SILENT;
}

/* Sets the message size to @a bytes more than are sent. */
static enum next promise(struct server *s, const struct trick *t)
{
	s->reply.hdr.msg_size = sizeof(s->reply.hdr) + s->reply.len + t->a;
	server_send(s, &s->reply, sizeof(s->reply.hdr) + s->reply.len, NULL, 0);
	return NEXT_SILENT;
}

/*
 * Sends the reply byte by byte, each byte with @b descriptors, except the last
 * @a bytes.
 */
static enum next trickle(struct server *s, const struct trick *t)
{
	int fds[HOSTILE_MAX_FDS];
	unsigned int i;
	size_t len;

	for (i = 0; i < t->b; i++)
		fds[i] = s->area_fd;
	s->reply.hdr.msg_size = sizeof(s->reply.hdr) + s->reply.len;
	len = s->reply.hdr.msg_size - t->a;
	for (i = 0; i < len; i++)
		if (server_send(s, (char *)&s->reply + i, 1,
				i || t->b ? fds : s->reply.fds,
				i || t->b ? t->b : s->reply.nr_fds))
			break;
	return t->a ? NEXT_SILENT : NEXT_SERVE;
}

/* Sets the flags to (flags & @a) | @b. */
static enum next flags(struct server *s, const struct trick *t)
{
	s->reply.hdr.flags = (s->reply.hdr.flags & t->a) | t->b;
	return go(s);
}

static enum next id(struct server *s, const struct trick *t)
{
	s->reply.hdr.msg_id ^= t->a;
	return go(s);
}

static enum next finished_id(struct server *s, const struct trick *t)
{
	s->reply.hdr.msg_id = s->last_id;
	return go(s);
}

static enum next command(struct server *s, const struct trick *t)
{
	s->reply.hdr.command += t->a;
	return go(s);
}

/* Adds @a bytes to the payload; @a may be negative. */
static enum next resize(struct server *s, const struct trick *t)
{
	s->reply.len += (int64_t)t->a;
	return go(s);
}

/* Sends error @a with @b bytes of payload. */
static enum next error(struct server *s, const struct trick *t)
{
	s->reply.hdr.flags |= VFIO_USER_FLAGS_ERROR;
	s->reply.hdr.error_no = t->a;
	s->reply.len = t->b;
	return go(s);
}

static enum next error_and_reply(struct server *s, const struct trick *t)
{
	s->reply.hdr.flags |= VFIO_USER_FLAGS_ERROR;
	s->reply.hdr.error_no = EPERM;
	return go(s);
}

static enum next twice(struct server *s, const struct trick *t)
{
	server_send_message(s, &s->reply);
	return go(s);
}

static enum next with_fds(struct server *s, const struct trick *t)
{
	while (s->reply.nr_fds < t->a)
		s->reply.fds[s->reply.nr_fds++] = dup(s->area_fd);
	return go(s);
}

/* Sends a byte out of band first, which AF_UNIX supports. */
static enum next out_of_band(struct server *s, const struct trick *t)
{
	send(s->conn, "x", 1, MSG_OOB | MSG_NOSIGNAL);
	return go(s);
}

/* Fills the payload with the byte @a. */
static enum next fill(struct server *s, const struct trick *t)
{
	memset(s->reply.data, t->a, s->reply.len);
	return go(s);
}

/* Sends @a bytes of value @b in place of a message. */
static enum next noise(struct server *s, const struct trick *t)
{
	memset(&s->reply, t->b, t->a);
	server_send(s, &s->reply, t->a, NULL, 0);
	return NEXT_SILENT;
}

/* Sends pseudo-random bytes, the same in each run. */
static enum next random_noise(struct server *s, const struct trick *t)
{
	unsigned char *p = (unsigned char *)&s->reply;
	uint32_t state = t->a;
	size_t i;

	for (i = 0; i < t->b; i++) {
		state = state * 1664525 + 1013904223;
		p[i] = state >> 24;
	}
	server_send(s, p, t->b, NULL, 0);
	return NEXT_SILENT;
}

/* Sends a command in place of the reply. */
static enum next send_command(struct server *s, const struct trick *t)
{
	close_fds(&s->reply);
	server_command(&s->reply, 0x7777, t->a, "0123456789abcdef", 16);
	return go(s);
}

#define HEADER	  sizeof(struct vfio_user_header)
#define NO_REPLY  "not a reply to"
#define HUNG_UP	  "the server closed its socket"
#define NO_ANSWER "the server did not answer"
#define STOPPED	  "the server did not complete a message"
#define LATE	  NO_ANSWER "|" STOPPED
#define LATE_HELP "did not reply within"
#define BAD_SIZE  "bad message size"
#define NOTHING	  "reply to a command that is not pending"

/* clang-format off */
const struct trick generic_tricks[] = {
	{ "hangs up", hang_up, 0, 0, LOST, HUNG_UP, "closed the connection", .no_header = true },
	{ "is silent", silent, 0, 0, LOST, NO_ANSWER, LATE_HELP, .slow = true, .no_header = true },
	{ "hangs up after 1 byte", cut, 1, NEXT_HANG_UP, LOST, HUNG_UP, "closed the connection", .no_header = true, .thorough = true },
	{ "hangs up after half a header", cut, HEADER / 2, NEXT_HANG_UP, LOST, HUNG_UP, "closed the connection", .no_header = true },
	{ "is silent after half a header", cut, HEADER / 2, NEXT_SILENT, LOST, LATE, LATE_HELP, .slow = true, .no_header = true },
	{ "stops reading after half a header", cut, HEADER / 2, NEXT_DEAF, LOST, LATE, LATE_HELP, .slow = true, .no_header = true, .thorough = true },
	{ "size 0", size, 0, 0, LOST, BAD_SIZE, "Invalid argument" },
	{ "size 15", size, HEADER - 1, 0, LOST, BAD_SIZE, "Invalid argument", .thorough = true },
	{ "size 16 MiB", size, 16 << 20, 0, LOST, BAD_SIZE, "Message too long" },
	{ "size 2^31", size, 1U << 31, 0, LOST, BAD_SIZE, "Message too long", .thorough = true },
	{ "size 2^32 - 1", size, ~0U, 0, LOST, BAD_SIZE, "Message too long" },
	{ "promises one byte more", promise, 1, 0, LOST, LATE, LATE_HELP, .slow = true, .no_header = true, .thorough = true },
	{ "promises a page more", promise, 4096, 0, LOST, LATE, LATE_HELP, .slow = true, .no_header = true },
	{ "sends byte by byte", trickle, 0, 0, FINE },
	{ "sends byte by byte, is silent before the last", trickle, 1, 0, LOST, LATE, LATE_HELP, .slow = true, .no_header = true },
	{ "type command", flags, 0, 0, LOST, "command that a server must not send", NO_REPLY },
	{ "type 2", flags, 0, 2, LOST, "message is neither command nor reply", "Invalid argument" },
	{ "type 15", flags, 0, 15, LOST, "message is neither command nor reply", "Invalid argument", .thorough = true },
	{ "reserved flags", flags, ~0ULL, 0xffffff90, FINE },
	{ "unused id", id, 0x0055, 0, LOST, NOTHING, NO_REPLY },
	{ "id of an earlier use of the slot", id, 0x0080, 0, LOST, NOTHING, NO_REPLY, .thorough = true },
	{ "id of a finished request", finished_id, 0, 0, LOST, NOTHING, NO_REPLY },
	{ "id of a posted write", id, 0x8000, 0, LOST, "reply to another command than a posted write|reply to a posted write that was not sent|" NOTHING, NO_REPLY },
	{ "the next command", command, 1, 0, LOST, "reply to another command", NO_REPLY },
	{ "command 65535", command, 0xffff, 0, LOST, "reply to another command", NO_REPLY, .thorough = true },
	{ "one byte less", resize, -1, 0, BY_SIZE, "bad size of a reply|bad message size", "malformed reply", .delta = -1 },
	{ "one byte more", resize, 1, 0, BY_SIZE, "bad size of a reply", "malformed reply", .delta = 1 },
	{ "4 KiB more", resize, 4096, 0, BY_SIZE, "bad size of a reply", "malformed reply", .delta = 4096 },
	{ "replies twice", twice, 0, 0, LOST, NOTHING, NO_REPLY "|no reply to a read", .answered = true },
	{ "error EPERM", error, EPERM, 0, REFUSED, .helper = "failed" },
	{ "error 0", error, 0, 0, REFUSED, .helper = "failed", .thorough = true },
	{ "error EAGAIN", error, EAGAIN, 0, REFUSED, .helper = "failed", .thorough = true },
	{ "error EINTR", error, EINTR, 0, REFUSED, .helper = "failed" },
	{ "error ENOTCONN", error, ENOTCONN, 0, REFUSED, .helper = "failed", .thorough = true },
	{ "error ETIMEDOUT", error, ETIMEDOUT, 0, REFUSED, .helper = "failed", .thorough = true },
	{ "error ERESTARTSYS", error, 512, 0, REFUSED, .helper = "failed", .thorough = true },
	{ "error 4096", error, 4096, 0, REFUSED, .helper = "failed", .thorough = true },
	{ "error 2^31", error, 1U << 31, 0, REFUSED, .helper = "failed", .thorough = true },
	{ "error with payload", error_and_reply, 0, 0, REFUSED, .helper = "failed" },
	{ "error with 4 KiB", error, EPERM, 4096, BY_SIZE_REFUSED, "bad size of a reply", "refused", .delta = 4096 },
	{ "a descriptor", with_fds, 1, 0, FINE, .helper = "unexpected file descriptors", .nr_fds = 1 },
	{ "253 descriptors", with_fds, HOSTILE_MAX_FDS, 0, FINE, .helper = "unexpected file descriptors", .nr_fds = HOSTILE_MAX_FDS, .thorough = true },
	{ "253 descriptors a byte", trickle, 0, HOSTILE_MAX_FDS, FINE, .helper = "unexpected file descriptors", .nr_fds = 16 * HOSTILE_MAX_FDS, .no_header = true },
	{ "a byte out of band", out_of_band, 0, 0, FINE },
	{ "payload of 0", fill, 0x00, 0, ECHOED, "reply does not repeat the fields of the command", "malformed reply|the kernel rejected|unsupported version", .no_header = true },
	{ "payload of ff", fill, 0xff, 0, ECHOED, "reply does not repeat the fields of the command", "malformed reply|the kernel rejected|unsupported version", .no_header = true, .thorough = true },
	{ "32 KiB of 0", noise, 32768, 0x00, LOST, BAD_SIZE, "Invalid argument", .no_header = true },
	{ "32 KiB of ff", noise, 32768, 0xff, LOST, BAD_SIZE, "Invalid argument", .thorough = true },
	{ "noise", random_noise, 1, 32768, LOST, BAD_SIZE "|neither", "Invalid argument|Message too long", .thorough = true },
	{ "sends command VERSION", send_command, VFIO_USER_VERSION, 0, LOST, "command that a server must not send", NO_REPLY },
	{ "sends command REGION_READ", send_command, VFIO_USER_REGION_READ, 0, LOST, "command that a server must not send", NO_REPLY, .thorough = true },
	{ "sends command 0", send_command, 0, 0, LOST, "command that a server must not send", NO_REPLY, .thorough = true },
	{ "sends command 999", send_command, 999, 0, LOST, "command that a server must not send", NO_REPLY, .thorough = true },
};
/* clang-format on */

const unsigned int nr_generic_tricks =
	sizeof(generic_tricks) / sizeof(generic_tricks[0]);
