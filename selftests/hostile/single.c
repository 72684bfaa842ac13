// SPDX-License-Identifier: GPL-2.0
/*
 * Tricks for one particular message (trick.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "action.h"
#include "trick.h"

#define ALL (~0ULL)

static enum next go(struct server *s)
{
	server_send_message(s, &s->reply);
	return NEXT_SERVE;
}

/* Changes 4 or 8 bytes at @a of the right reply's payload to @b. */
static enum next patch32(struct server *s, const struct trick *t)
{
	uint32_t value = t->b;

	memcpy(s->reply.data + t->a, &value, sizeof(value));
	return go(s);
}

static enum next patch64(struct server *s, const struct trick *t)
{
	memcpy(s->reply.data + t->a, &t->b, sizeof(t->b));
	return go(s);
}

/* Version ------------------------------------------------------------------ */

/* Replies with version @b.@a, and @len bytes of @data in place of the JSON. */
static enum next version(struct server *s, const struct trick *t)
{
	struct vfio_user_version head = { .major = t->b, .minor = t->a };

	memcpy(s->reply.data, &head, sizeof(head));
	memcpy(s->reply.data + sizeof(head), t->data, t->len);
	s->reply.len = sizeof(head) + t->len;
	return go(s);
}

/* Replies with @data[0] @a times, @data[1] @a times, and a NUL. */
static enum next nested(struct server *s, const struct trick *t)
{
	const char *pair = t->data;
	char *p = (char *)s->reply.data + sizeof(struct vfio_user_version);

	memset(p, pair[0], t->a);
	memset(p + t->a, pair[1], t->a);
	p[2 * t->a] = '\0';
	s->reply.len = p + 2 * t->a + 1 - (char *)s->reply.data;
	return go(s);
}

/* Replies with a capability whose name has @a bytes. */
static enum next long_json(struct server *s, const struct trick *t)
{
	const size_t head =
		sizeof(s->reply.hdr) + sizeof(struct vfio_user_version);
	const char begin[] = "{\"capabilities\":{\"", end[] = "\":1}}";
	size_t len = head + sizeof(begin) - 1 + t->a + sizeof(end);
	char *buf = malloc(len);

	if (!buf)
		abort();
	s->reply.hdr.msg_size = len;
	memset(buf, 'a', len);
	memcpy(buf, &s->reply, head);
	memcpy(buf + head, begin, sizeof(begin) - 1);
	memcpy(buf + len - sizeof(end), end, sizeof(end));
	server_send(s, buf, len, NULL, 0);
	free(buf);
	return NEXT_SILENT;
}

/* Region info -------------------------------------------------------------- */

enum file {
	FILE_MEMFD,
	FILE_NONE,
	FILE_PIPE,
	FILE_NULL,
	FILE_DIRECTORY,
	FILE_SOCKET,
	FILE_EVENTFD,
	FILE_EPOLL,
	FILE_PATH,
	FILE_READ_ONLY,
	FILE_SEALED,
	FILE_EMPTY,
	FILE_ITSELF,
	FILE_PROC,
};

/* Wrong information about BAR 2. */
struct lie {
	uint64_t size; /* 0: the right value */
	uint64_t offset;
	uint32_t argsz; /* 0: the right value */
	uint32_t cap_offset; /* 0: the right value */
	uint16_t cap_id; /* 0: a list of sparse areas */
	uint32_t next;
	uint32_t nr_areas; /* in place of @sent, the number of areas sent */
	unsigned int sent;
	struct vfio_user_sparse_area areas[3];
	enum file file;
};

static int read_only_memfd(void)
{
	char path[32];
	int fd = memfd_create("read only", MFD_CLOEXEC), copy;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (ftruncate(fd, HOSTILE_BAR2_SIZE))
		abort();
	copy = open(path, O_RDONLY | O_CLOEXEC);
	close(fd);
	return copy;
}

static int sealed_memfd(void)
{
	int fd = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (ftruncate(fd, HOSTILE_BAR2_SIZE) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW))
		abort();
	return fd;
}

static int open_file(struct server *s, enum file file)
{
	int pipes[2];

	switch (file) {
	case FILE_NONE:
		return -1;
	case FILE_PIPE:
		if (pipe2(pipes, O_CLOEXEC))
			abort();
		close(pipes[1]);
		return pipes[0];
	case FILE_NULL:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	case FILE_DIRECTORY:
		return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	case FILE_SOCKET:
		return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	case FILE_EVENTFD:
		return eventfd(0, EFD_CLOEXEC);
	case FILE_EPOLL:
		return epoll_create1(EPOLL_CLOEXEC);
	case FILE_PATH:
		return open("/etc/passwd", O_PATH | O_CLOEXEC);
	case FILE_READ_ONLY:
		return read_only_memfd();
	case FILE_SEALED:
		return sealed_memfd();
	case FILE_EMPTY:
		return memfd_create("empty", MFD_CLOEXEC);
	case FILE_ITSELF:
		return fcntl(s->conn, F_DUPFD_CLOEXEC, 0);
	case FILE_PROC:
		return open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	default:
		return fcntl(s->area_fd, F_DUPFD_CLOEXEC, 0);
	}
}

/* Replies with wrong information about BAR 2, see struct lie. */
static enum next region(struct server *s, const struct trick *t)
{
	const struct lie *lie = t->data;
	struct vfio_user_region_info info = {
		.argsz = lie->argsz,
		.flags = VFIO_REGION_INFO_FLAG_READ |
			 VFIO_REGION_INFO_FLAG_WRITE |
			 VFIO_REGION_INFO_FLAG_MMAP,
		.index = VFIO_PCI_BAR2_REGION_INDEX,
		.cap_offset = lie->cap_offset ?: sizeof(info),
		.size = lie->size ?: HOSTILE_BAR2_SIZE,
		.offset = lie->offset,
	};
	struct vfio_user_cap_sparse_mmap cap = {
		.header.id = lie->cap_id ?: VFIO_REGION_INFO_CAP_SPARSE_MMAP,
		.header.version = 1,
		.header.next = lie->next,
		.nr_areas = lie->nr_areas ?: lie->sent,
	};
	size_t areas = lie->sent * sizeof(lie->areas[0]);
	int fd = open_file(s, lie->file);

	close_fds(&s->reply);
	if (fd >= 0) {
		s->reply.fds[0] = fd;
		s->reply.nr_fds = 1;
	}
	s->reply.len = sizeof(info);
	if (lie->sent || lie->nr_areas || lie->cap_id) {
		info.flags |= VFIO_REGION_INFO_FLAG_CAPS;
		memcpy(s->reply.data + sizeof(info), &cap, sizeof(cap));
		memcpy(s->reply.data + sizeof(info) + sizeof(cap), lie->areas,
		       areas);
		s->reply.len += sizeof(cap) + areas;
	}
	if (!info.argsz)
		info.argsz = s->reply.len;
	memcpy(s->reply.data, &info, sizeof(info));
	return go(s);
}

#define LIE(...)                                             \
	.action = "region info", .data = &(const struct lie) \
	{                                                    \
		__VA_ARGS__                                  \
	}

/* Ioeventfds --------------------------------------------------------------- */

/* Wrong information about an ioeventfd of BAR 2. */
struct io_lie {
	uint32_t argsz; /* 0: the right value */
	uint32_t count; /* 0: one */
	uint32_t stride; /* size of an entry; 0: the right value */
	struct vfio_user_io_fd io;
	enum file file;
};

static enum next io_fds(struct server *s, const struct trick *t)
{
	const struct io_lie *lie = t->data;
	size_t stride = lie->stride ?: sizeof(lie->io);
	struct vfio_user_region_io_fds head = {
		.argsz = lie->argsz ?: sizeof(head) + stride,
		.index = VFIO_PCI_BAR2_REGION_INDEX,
		.count = lie->count ?: 1,
	};

	memcpy(s->reply.data, &head, sizeof(head));
	memset(s->reply.data + sizeof(head), 0xff, stride);
	memcpy(s->reply.data + sizeof(head), &lie->io,
	       stride < sizeof(lie->io) ? stride : sizeof(lie->io));
	s->reply.len = sizeof(head) + stride;
	s->reply.fds[0] = open_file(s, lie->file);
	s->reply.nr_fds = 1;
	return go(s);
}

#define IO(...)                                            \
	.action = "io fds", .data = &(const struct io_lie) \
	{                                                  \
		__VA_ARGS__                                \
	}

/* DMA ---------------------------------------------------------------------- */

/* A DMA_READ or DMA_WRITE, or another command in its place. */
struct dma {
	uint16_t command;
	uint64_t iova;
	uint64_t count;
	size_t data; /* payload bytes after the header */
	uint32_t flags;
	int error; /* expected error of the reply */
};

static int send_dma(struct server *s, const struct dma *dma, uint16_t id)
{
	struct vfio_user_dma_access access = { dma->iova, dma->count };

	memset(s->reply.data, 0xda, sizeof(access) + dma->data);
	server_command(&s->reply, id, dma->command, s->reply.data,
		       sizeof(access) + dma->data);
	memcpy(s->reply.data, &access, sizeof(access));
	s->reply.hdr.flags = dma->flags;
	return server_send_message(s, &s->reply);
}

/* Sends a DMA command, and checks the reply. */
static enum next dma(struct server *s, const struct trick *t)
{
	const struct dma *dma = t->data;
	int ret;

	send_dma(s, dma, 0x1234);
	if (t->outcome == LOST || dma->flags & VFIO_USER_FLAGS_NO_REPLY)
		return NEXT_SERVE;
	ret = server_reply_to(s, 0x1234);
	s->failed[0] = '\0';
	if (ret != dma->error)
		snprintf(s->failed, sizeof(s->failed),
			 "the error of the reply is %d, not %d", ret,
			 dma->error);
	return NEXT_SERVE;
}

/*
 * Replies, then sends a DMA command.  If the reply ends the handshake, the
 * kernel must reply to the DMA command before it sends the second command of a
 * consumer.
 */
static enum next dma_after_reply(struct server *s, const struct trick *t)
{
	server_send_message(s, &s->reply);
	close_fds(&s->reply);
	if (t->outcome == FINE)
		snprintf(s->failed, sizeof(s->failed), "no reply arrived");
	return dma(s, t);
}

/* Sends a DMA command before it replies. */
static enum next dma_first(struct server *s, const struct trick *t)
{
	struct message reply = s->reply;

	/* The reply carries the descriptors, not the DMA command. */
	s->reply.nr_fds = 0;
	dma(s, t);
	server_send_message(s, &reply);
	close_fds(&reply);
	return NEXT_SERVE;
}

/* Sends @a commands with the same ID. */
static enum next dma_same_id(struct server *s, const struct trick *t)
{
	unsigned int i;
	int ret;

	for (i = 0; i < t->a; i++)
		send_dma(s, t->data, 0x4321);
	for (i = 0; i < t->a; i++) {
		ret = server_reply_to(s, 0x4321);
		if (ret)
			snprintf(s->failed, sizeof(s->failed), "reply %u: %d",
				 i, ret);
	}
	return NEXT_SERVE;
}

/* Sends the DMA command on the twin socket. */
static enum next on_twin(struct server *s, const struct trick *t)
{
	int conn = s->conn;

	if (s->twin_fd < 0) {
		snprintf(s->failed, sizeof(s->failed), "no twin socket");
		return NEXT_SERVE;
	}
	s->conn = s->twin_fd;
	dma(s, t);
	s->conn = conn;
	return NEXT_SERVE;
}

static enum next twin_after_reply(struct server *s, const struct trick *t)
{
	server_send_message(s, &s->reply);
	snprintf(s->failed, sizeof(s->failed), "no reply arrived");
	return on_twin(s, t);
}

static enum next twin_hangs_up(struct server *s, const struct trick *t)
{
	shutdown(s->twin_fd, SHUT_RDWR);
	return NEXT_SERVE;
}

static enum next twin_reply(struct server *s, const struct trick *t)
{
	int conn = s->conn;

	s->conn = s->twin_fd;
	server_send_message(s, &s->reply);
	s->conn = conn;
	return NEXT_SILENT;
}

/* Replies to a posted write, with @a in the flags. */
static enum next posted_reply(struct server *s, const struct trick *t)
{
	s->reply.hdr.flags = VFIO_USER_FLAGS_TYPE_REPLY | t->a;
	s->reply.hdr.error_no = t->b;
	if (t->a)
		s->reply.len = 0;
	return go(s);
}

/* Replies to a posted write, with an id that was not used yet. */
static enum next posted_early(struct server *s, const struct trick *t)
{
	s->reply.hdr.flags = VFIO_USER_FLAGS_TYPE_REPLY;
	s->reply.hdr.msg_id += t->a;
	return go(s);
}

/* Replies to a posted write @a times. */
static enum next posted_often(struct server *s, const struct trick *t)
{
	unsigned int i;

	s->reply.hdr.flags = VFIO_USER_FLAGS_TYPE_REPLY;
	for (i = 1; i < t->a; i++)
		server_send_message(s, &s->reply);
	return go(s);
}

/* Sends an error for a posted write, with @a in the flags: a command. */
static enum next posted_command(struct server *s, const struct trick *t)
{
	s->reply.hdr.flags = VFIO_USER_FLAGS_TYPE_COMMAND | t->a;
	s->reply.hdr.error_no = EIO;
	s->reply.len = 0;
	return go(s);
}

/* Replies to a posted write with @a more bytes of payload. */
static enum next posted_resize(struct server *s, const struct trick *t)
{
	s->reply.hdr.flags = VFIO_USER_FLAGS_TYPE_REPLY;
	s->reply.len += (int64_t)t->a;
	return go(s);
}

/* Truncates the file of the shared area. */
static enum next shrink(struct server *s, const struct trick *t)
{
	if (ftruncate(s->area_fd, t->a))
		abort();
	return go(s);
}

#define R    VFIO_USER_DMA_READ
#define W    VFIO_USER_DMA_WRITE
#define NR   VFIO_USER_FLAGS_NO_REPLY
#define PAGE HOSTILE_PAGE
#define GIB4 (1ULL << 32)
#define DMA(...)                                     \
	.action = "dma", .data = &(const struct dma) \
	{                                            \
		__VA_ARGS__                          \
	}
/*
 * A command to vuserd before the reply. vuserd has no memory to read or write.
 */
#define ASKS(...)                                                       \
	.outcome = LOST, .helper = "not a reply to|no reply to a read", \
	.data = &(const struct dma)                                     \
	{                                                               \
		__VA_ARGS__                                             \
	}
#define JSON(text)  .action = "version", .data = "" text, .len = sizeof(text)
#define CAPS(text)  JSON("{\"capabilities\":{" text "}}")
#define BAD_VERSION "malformed reply to VERSION"
#define BAD_REGION  "malformed reply to DEVICE_GET_REGION_INFO"
#define BAD_IO_FDS  "malformed reply to DEVICE_GET_REGION_IO_FDS"
#define BAD_IRQ	    "malformed reply to DEVICE_GET_IRQ_INFO"
#define BAD_INFO    "malformed reply to DEVICE_GET_INFO"
#define NAMED	    "reply does not repeat the fields of the command"
#define BAD_DMA	    "bad size of a DMA command"

/* clang-format off */
const struct trick single_tricks[] = {
	{ "other offset", patch64, 0, 8, LOST, NAMED, .action = "pread" },
	{ "offset 2^64 - 1", patch64, 0, ALL, LOST, NAMED, .action = "pread" },
	{ "other region", patch32, 8, 7, LOST, NAMED, .action = "pread" },
	{ "region 2^32 - 1", patch32, 8, ALL, LOST, NAMED, .action = "load" },
	{ "count 0", patch32, 12, 0, LOST, NAMED, .action = "pread" },
	{ "count 2^32 - 1", patch32, 12, ALL, LOST, NAMED, .action = "load" },
	{ "other count", patch32, 12, 2, LOST, NAMED, .action = "config write" },

	{ "shrinks the area to nothing", shrink, 0, 0, FINE, .action = "pread" },
	{ "shrinks the area to a page", shrink, PAGE, 0, FINE, .action = "load" },

	{ "error reply", posted_reply, VFIO_USER_FLAGS_ERROR, EIO, FINE, .action = "store" },
	{ "error reply 2^32 - 1", posted_reply, VFIO_USER_FLAGS_ERROR, ALL, FINE, .action = "store" },
	{ "reply", posted_reply, 0, 0, FINE, .action = "store" },
	{ "error typed as a command", posted_command, VFIO_USER_FLAGS_ERROR, 0, FINE, .action = "store" },
	{ "command with the id of a posted write", posted_command, 0, 0, LOST, "command that a server must not send", .action = "store" },
	{ "reply to a later write", posted_early, 1, 0, LOST, "reply to a posted write that was not sent", .action = "store" },
	{ "64 replies to one write", posted_often, 64, 0, LOST, "reply to a posted write that was not sent", .action = "store" },
	{ "reply, one byte less", posted_resize, -1, 0, LOST, "bad size of a reply", .action = "store" },
	{ "reply, one byte more", posted_resize, 1, 0, LOST, "bad size of a reply", .action = "store" },

	{ "reads mapped memory", dma, .outcome = FINE, DMA(R, ACTION_IOVA, PAGE) },
	{ "writes mapped memory", dma, .outcome = FINE, DMA(W, ACTION_IOVA, 512, 512) },
	{ "writes, no reply", dma, .outcome = FINE, DMA(W, ACTION_IOVA, 512, 512, NR) },
	{ "reads, no reply", dma, .outcome = FINE, DMA(R, ACTION_IOVA, 512, 0, NR) },
	{ "reads across two maps", dma, .outcome = FINE, DMA(R, ACTION_IOVA + PAGE - 8, 16) },
	{ "writes across two maps", dma, .outcome = FINE, DMA(W, ACTION_IOVA + PAGE - 8, 16, 16, .error = EACCES) },
	{ "writes read-only memory", dma, .outcome = FINE, DMA(W, ACTION_IOVA + PAGE, 8, 8, .error = EACCES) },
	{ "reads across the end", dma, .outcome = FINE, DMA(R, ACTION_IOVA + 2 * PAGE - 8, 16, .error = EFAULT) },
	{ "writes across the end", dma, .outcome = FINE, DMA(W, ACTION_IOVA + 2 * PAGE - 8, 16, 16, .error = EACCES) },
	{ "reads before the start", dma, .outcome = FINE, DMA(R, ACTION_IOVA - 8, 16, .error = EFAULT) },
	{ "reads unmapped memory", dma, .outcome = FINE, DMA(R, 0x7000000, 8, .error = EFAULT) },
	{ "writes unmapped memory", dma, .outcome = FINE, DMA(W, 0x7000000, 8, 8, .error = EFAULT) },
	{ "writes unmapped memory, no reply", dma, .outcome = FINE, DMA(W, 0x7000000, 8, 8, NR) },
	{ "reads at 2^64 - 4", dma, .outcome = FINE, DMA(R, -4ULL, 8, .error = EINVAL) },
	{ "writes at 2^64 - 4", dma, .outcome = FINE, DMA(W, -4ULL, 8, 8, .error = EINVAL) },
	{ "reads 0 bytes", dma, .outcome = FINE, DMA(R, ACTION_IOVA, 0, .error = EINVAL) },
	{ "writes 0 bytes", dma, .outcome = FINE, DMA(W, ACTION_IOVA, 0, .error = EINVAL) },
	{ "reads 32 KiB and 1", dma, .outcome = FINE, DMA(R, ACTION_IOVA, 32769, .error = EINVAL) },
	{ "reads 4 GiB", dma, .outcome = FINE, DMA(R, ACTION_IOVA, GIB4, .error = EINVAL) },
	{ "reads 4 GiB and 8", dma, .outcome = FINE, DMA(R, ACTION_IOVA, GIB4 + 8, .error = EINVAL) },
	{ "reads 2^64 - 1", dma, .outcome = FINE, DMA(R, ACTION_IOVA, ALL, .error = EINVAL) },
	{ "writes 4 GiB", dma, .outcome = LOST, .why = BAD_DMA, DMA(W, ACTION_IOVA, GIB4) },
	{ "writes 4 GiB and 8", dma, .outcome = LOST, .why = BAD_DMA, DMA(W, ACTION_IOVA, GIB4 + 8, 8) },
	{ "writes 2^64 - 1", dma, .outcome = LOST, .why = BAD_DMA, DMA(W, ACTION_IOVA, ALL, 15) },
	{ "writes more than it sends", dma, .outcome = LOST, .why = BAD_DMA, DMA(W, ACTION_IOVA, 16, 8) },
	{ "writes less than it sends", dma, .outcome = LOST, .why = BAD_DMA, DMA(W, ACTION_IOVA, 4, 8) },
	{ "reads with data", dma, .outcome = LOST, .why = BAD_DMA, DMA(R, ACTION_IOVA, 8, 8) },
	{ "reads, an error", dma, .outcome = FINE, DMA(R, ACTION_IOVA, 8, 0, VFIO_USER_FLAGS_ERROR) },
	{ "reads, type 3", dma, .outcome = LOST, .why = "message is neither command nor reply", DMA(R, ACTION_IOVA, 8, 0, 3) },
	{ "reads as a reply", dma, .outcome = LOST, .why = "reply to a command that is not pending", DMA(R, ACTION_IOVA, 8, 0, 1) },
	{ "writes region", dma, .outcome = LOST, .why = "command that a server must not send", DMA(VFIO_USER_REGION_WRITE, ACTION_IOVA, 8, 8) },
	{ "maps", dma, .outcome = LOST, .why = "command that a server must not send", DMA(VFIO_USER_DMA_MAP, ACTION_IOVA, 8, 16) },
	{ "resets", dma, .outcome = LOST, .why = "command that a server must not send", DMA(VFIO_USER_DEVICE_RESET, 0, 0) },
	{ "100 reads under one id", dma_same_id, 100, .outcome = FINE, DMA(R, ACTION_IOVA, 64) },

	{ "reads memory while it is mapped", dma_first, .outcome = FINE, .action = "DMA_MAP", .data = &(const struct dma){ R, ACTION_IOVA, PAGE } },
	{ "writes memory while it is mapped", dma_first, .outcome = FINE, .action = "DMA_MAP", .data = &(const struct dma){ W, ACTION_IOVA, 8, 8 } },
	{ "reads memory while it is mapped at open", dma_first, .outcome = FINE, .action = "open mapped", .data = &(const struct dma){ R, ACTION_IOVA, 8 } },
	{ "reads unmapped memory", dma_first, .outcome = FINE, .action = "pread", .data = &(const struct dma){ R, ACTION_IOVA, 8, .error = EFAULT } },
	{ "reads unmapped memory", dma_first, .outcome = FINE, .action = "open", .data = &(const struct dma){ R, ACTION_IOVA, 8, .error = EFAULT } },
	{ "reads memory while it is unmapped", dma_first, .outcome = FINE, .action = "close, unmap", .data = &(const struct dma){ R, ACTION_IOVA, 8 } },

	{ "reads before it replies", dma_first, ASKS(R, ACTION_IOVA, PAGE), .action = "version" },
	{ "writes before it replies", dma_first, ASKS(W, ACTION_IOVA, 8, 8), .action = "version" },
	{ "writes before it replies, no reply", dma_first, ASKS(W, ACTION_IOVA, 8, 8, NR), .action = "version" },
	{ "maps before it replies", dma_first, ASKS(VFIO_USER_DMA_MAP, ACTION_IOVA, 8, 16), .action = "version" },
	{ "resets before it replies", dma_first, ASKS(VFIO_USER_DEVICE_RESET, 0, 0), .action = "version" },
	{ "reads after its reply", dma_after_reply, ASKS(R, ACTION_IOVA, PAGE), .action = "version" },
	{ "reads before it replies", dma_first, ASKS(R, ACTION_IOVA, PAGE), .action = "info" },
	{ "writes before it replies", dma_first, ASKS(W, ACTION_IOVA, 8, 8), .action = "info" },
	{ "writes before it replies, no reply", dma_first, ASKS(W, ACTION_IOVA, 8, 8, NR), .action = "info" },
	{ "reads before it replies", dma_first, ASKS(R, ACTION_IOVA, PAGE), .action = "region info" },
	{ "writes before it replies", dma_first, ASKS(W, ACTION_IOVA, 8, 8), .action = "region info" },
	{ "writes before it replies, no reply", dma_first, ASKS(W, ACTION_IOVA, 8, 8, NR), .action = "region info" },
	{ "maps before it replies", dma_first, ASKS(VFIO_USER_DMA_MAP, ACTION_IOVA, 8, 16), .action = "region info" },
	{ "resets before it replies", dma_first, ASKS(VFIO_USER_DEVICE_RESET, 0, 0), .action = "region info" },
	{ "reads after its reply", dma_after_reply, ASKS(R, ACTION_IOVA, PAGE), .action = "region info" },
	{ "reads before it replies", dma_first, ASKS(R, ACTION_IOVA, PAGE), .action = "io fds" },
	{ "writes before it replies", dma_first, ASKS(W, ACTION_IOVA, 8, 8), .action = "io fds" },
	{ "writes before it replies, no reply", dma_first, ASKS(W, ACTION_IOVA, 8, 8, NR), .action = "io fds" },
	{ "reads before it replies", dma_first, ASKS(R, ACTION_IOVA, PAGE), .action = "irq info" },
	{ "writes before it replies", dma_first, ASKS(W, ACTION_IOVA, 8, 8), .action = "irq info" },
	{ "writes before it replies, no reply", dma_first, ASKS(W, ACTION_IOVA, 8, 8, NR), .action = "irq info" },
	{ "reads before it replies", dma_first, ASKS(R, ACTION_IOVA, PAGE), .action = "config read" },
	{ "writes before it replies", dma_first, ASKS(W, ACTION_IOVA, 8, 8), .action = "config read" },
	{ "writes before it replies, no reply", dma_first, ASKS(W, ACTION_IOVA, 8, 8, NR), .action = "config read" },
	{ "maps before it replies", dma_first, ASKS(VFIO_USER_DMA_MAP, ACTION_IOVA, 8, 16), .action = "config read" },
	{ "resets before it replies", dma_first, ASKS(VFIO_USER_DEVICE_RESET, 0, 0), .action = "config read" },
	{ "reads after its reply", dma_after_reply, ASKS(R, ACTION_IOVA, PAGE), .action = "config read" },
	{ "reads before it replies", dma_first, ASKS(R, ACTION_IOVA, PAGE), .action = "last config read" },
	{ "writes before it replies", dma_first, ASKS(W, ACTION_IOVA, 8, 8), .action = "last config read" },
	{ "writes before it replies, no reply", dma_first, ASKS(W, ACTION_IOVA, 8, 8, NR), .action = "last config read" },
	{ "reads after its reply", dma_after_reply, .outcome = FINE, .action = "last config read", .data = &(const struct dma){ R, ACTION_IOVA, PAGE, .error = EFAULT } },
	{ "writes after its reply", dma_after_reply, .outcome = FINE, .action = "last config read", .data = &(const struct dma){ W, ACTION_IOVA, 8, 8, .error = EFAULT } },
	{ "reads on the twin socket after its reply", twin_after_reply, .outcome = FINE, .twin = true, .action = "last config read", .data = &(const struct dma){ R, ACTION_IOVA, PAGE, .error = EFAULT } },

	{ "reads on the twin socket", on_twin, .outcome = FINE, .twin = true, DMA(R, ACTION_IOVA, PAGE) },
	{ "writes on the twin socket", on_twin, .outcome = FINE, .twin = true, DMA(W, ACTION_IOVA, 64, 64) },
	{ "reads unmapped memory on the twin socket", on_twin, .outcome = FINE, .twin = true, DMA(R, 0, 64, .error = EFAULT) },
	{ "writes 4 GiB on the twin socket", on_twin, .outcome = LOST, .why = BAD_DMA, .twin = true, DMA(W, ACTION_IOVA, GIB4) },
	{ "resets on the twin socket", on_twin, .outcome = LOST, .why = "command that a server must not send", .twin = true, DMA(VFIO_USER_DEVICE_RESET, 0, 0) },
	{ "shuts down the twin socket", twin_hangs_up, .outcome = LOST, .why = "the server closed its socket", .no_header = true, .twin = true, .action = "store" },
	{ "replies on the twin socket", twin_reply, .outcome = LOST, .why = "reply on the twin socket", .twin = true, .action = "pread" },

	{ "major 1", version, 0, 1, LOST, .helper = "unsupported version", CAPS("") },
	{ "major 65535", version, 0, 0xffff, LOST, .helper = "unsupported version", CAPS("") },
	{ "minor 2", version, 2, 0, LOST, .helper = "asked for 0.1, got 0.2", CAPS("") },
	{ "minor 65535", version, 0xffff, 0, LOST, .helper = "asked for 0.1", CAPS("") },
	{ "no JSON", version, 1, 0, FINE, .action = "version" },
	{ "no NUL", version, 1, 0, LOST, .helper = BAD_VERSION, .action = "version", .data = "{}", .len = 2 },
	{ "a NUL within", version, 1, 0, LOST, .helper = BAD_VERSION, JSON("{}\0{}") },
	{ "only a NUL", version, 1, 0, LOST, .helper = BAD_VERSION, JSON("") },
	{ "a word", version, 1, 0, LOST, .helper = BAD_VERSION, JSON("capabilities") },
	{ "an array", version, 1, 0, LOST, .helper = BAD_VERSION, JSON("[]") },
	{ "a number", version, 1, 0, LOST, .helper = BAD_VERSION, JSON("1e999") },
	{ "an open string", version, 1, 0, LOST, .helper = BAD_VERSION, JSON("{\"capabilities") },
	{ "an open object", version, 1, 0, LOST, .helper = BAD_VERSION, JSON("{\"capabilities\":{}") },
	{ "two objects", version, 1, 0, LOST, .helper = BAD_VERSION, JSON("{}{}") },
	{ "capabilities of a string", version, 1, 0, LOST, .helper = BAD_VERSION, JSON("{\"capabilities\":\"\"}") },
	{ "not UTF-8", version, 1, 0, LOST, .helper = BAD_VERSION, JSON("{\"\xff\xfe\":1}") },
	{ "UTF-8 cut short", version, 1, 0, LOST, .helper = BAD_VERSION, JSON("{\"\xe2\x82\":1}") },
	{ "a lone surrogate", version, 1, 0, FINE, .helper = BAD_VERSION, JSON("{\"\\ud800\":1}") },
	{ "1000 arrays", nested, 1000, 0, LOST, .helper = BAD_VERSION, .action = "version", .data = "[]" },
	{ "9 objects deep", version, 1, 0, LOST, .helper = BAD_VERSION, JSON("{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}}") },
	{ "JSON of 4 KiB", long_json, 4096, 0, LOST, .helper = BAD_VERSION, .action = "version" },
	{ "JSON of 64 KiB", long_json, 65536, 0, LOST, .helper = "Message too long", .action = "version" },
	{ "JSON of 1 MiB", long_json, 1 << 20, 0, LOST, .helper = "Message too long", .action = "version" },
	{ "max_msg_fds -1", version, 1, 0, LOST, .helper = BAD_VERSION, CAPS("\"max_msg_fds\":-1") },
	{ "max_msg_fds 0", version, 1, 0, FINE, CAPS("\"max_msg_fds\":0") },
	{ "max_msg_fds 2^64 - 1", version, 1, 0, FINE, CAPS("\"max_msg_fds\":18446744073709551615") },
	{ "max_msg_fds of a string", version, 1, 0, LOST, .helper = BAD_VERSION, CAPS("\"max_msg_fds\":\"8\"") },
	{ "max_msg_fds 1.5", version, 1, 0, LOST, .helper = BAD_VERSION, CAPS("\"max_msg_fds\":1.5") },
	{ "max_msg_fds null", version, 1, 0, LOST, .helper = BAD_VERSION, CAPS("\"max_msg_fds\":null") },
	{ "max_msg_fds twice", version, 1, 0, FINE, CAPS("\"max_msg_fds\":-1,\"max_msg_fds\":8") },
	{ "max_data_xfer_size 0", version, 1, 0, LOST, .helper = BAD_VERSION, CAPS("\"max_data_xfer_size\":0") },
	{ "max_data_xfer_size 1", version, 1, 0, FINE, CAPS("\"max_data_xfer_size\":1") },
	{ "max_dma_maps 0", version, 1, 0, LOST, .helper = BAD_VERSION, CAPS("\"max_dma_maps\":0") },
	{ "max_dma_maps 2^32", version, 1, 0, FINE, CAPS("\"max_dma_maps\":4294967296") },
	{ "pgsizes 0", version, 1, 0, LOST, .helper = BAD_VERSION, CAPS("\"pgsizes\":0") },
	{ "migration of a number", version, 1, 0, LOST, .helper = BAD_VERSION, CAPS("\"migration\":1") },
	{ "a twin socket without an index", version, 1, 0, LOST, .helper = "fd_index -1", CAPS("\"twin_socket\":{\"supported\":true}") },
	{ "a twin socket that was not sent", version, 1, 0, LOST, .helper = "fd_index 0", CAPS("\"twin_socket\":{\"supported\":true,\"fd_index\":0}") },
	{ "twin index 2^31", version, 1, 0, LOST, .helper = "fd_index 2147483647", CAPS("\"twin_socket\":{\"supported\":true,\"fd_index\":2147483648}") },
	{ "a twin socket of the wrong type", version, 1, 0, LOST, .helper = BAD_VERSION, CAPS("\"twin_socket\":true") },

	{ "33 regions", patch32, 8, 33, LOST, .helper = BAD_INFO, .action = "info" },
	{ "2^32 - 1 regions", patch32, 8, ALL, LOST, .helper = BAD_INFO, .action = "info" },
	{ "no region", patch32, 8, 0, LOST, .helper = "the kernel rejected", .no_header = true, .action = "info" },
	{ "17 interrupts", patch32, 12, 17, LOST, .helper = BAD_INFO, .action = "info" },
	{ "2^32 - 1 interrupts", patch32, 12, ALL, LOST, .helper = BAD_INFO, .action = "info" },
	{ "no interrupt", patch32, 12, 0, FINE, .action = "info" },
	{ "not a PCI device", patch32, 4, 0, LOST, .helper = "the kernel rejected", .no_header = true, .action = "info" },
	{ "all flags", patch32, 4, ALL, FINE, .action = "info" },
	{ "argsz 0", patch32, 0, 0, FINE, .action = "info" },

	{ "size 2^63", region, .outcome = LOST, .helper = "the kernel rejected", .no_header = true, LIE(.size = 1ULL << 63, .sent = 1, .areas = { { 0, PAGE } }) },
	{ "size 2^64 - 1", region, .outcome = LOST, .helper = "the kernel rejected", .no_header = true, LIE(.size = ALL, .sent = 1, .areas = { { 0, PAGE } }) },
	{ "size 2^63, all of it shared", region, .outcome = LOST, .helper = BAD_REGION, LIE(.size = 1ULL << 63) },
	{ "size 2^64 - 1, all of it shared", region, .outcome = LOST, .helper = BAD_REGION, LIE(.size = ALL) },
	{ "size of a page and 1", region, .outcome = FINE, LIE(.size = PAGE + 1, .sent = 1, .areas = { { 0, PAGE } }) },
	{ "offset 2^63", region, .outcome = LOST, .helper = BAD_REGION, LIE(.offset = 1ULL << 63) },
	{ "offset and size wrap", region, .outcome = LOST, .helper = BAD_REGION, LIE(.offset = -PAGE) },
	{ "an offset without page alignment", region, .outcome = FINE, LIE(.offset = 8) },
	{ "argsz 2^32 - 1", region, .outcome = LOST, .helper = BAD_REGION, LIE(.argsz = -1, .sent = 1, .areas = { { 0, PAGE } }) },
	{ "argsz 64 KiB", region, .outcome = LOST, .helper = BAD_REGION, LIE(.argsz = 65536, .sent = 1, .areas = { { 0, PAGE } }) },
	{ "capabilities at 2^32 - 1", region, .outcome = LOST, .helper = BAD_REGION, LIE(.cap_offset = -1, .sent = 1, .areas = { { 0, PAGE } }) },
	{ "capabilities in the head", region, .outcome = LOST, .helper = BAD_REGION, LIE(.cap_offset = 8, .sent = 1, .areas = { { 0, PAGE } }) },
	{ "capabilities past the end", region, .outcome = LOST, .helper = BAD_REGION, LIE(.cap_offset = 64, .sent = 1, .areas = { { 0, PAGE } }) },
	{ "a capability that follows itself", region, .outcome = LOST, .helper = BAD_REGION, LIE(.next = 32, .sent = 1, .areas = { { 0, PAGE } }) },
	{ "a next capability at 2^32 - 1", region, .outcome = LOST, .helper = BAD_REGION, LIE(.next = -1, .sent = 1, .areas = { { 0, PAGE } }) },
	{ "an unknown capability", region, .outcome = FINE, LIE(.cap_id = 0xffff) },
	{ "2^32 - 1 areas", region, .outcome = LOST, .helper = BAD_REGION, LIE(.nr_areas = -1, .sent = 1, .areas = { { 0, PAGE } }) },
	{ "2^28 areas", region, .outcome = LOST, .helper = BAD_REGION, LIE(.nr_areas = 1 << 28, .sent = 1, .areas = { { 0, PAGE } }) },
	{ "65 areas", region, .outcome = LOST, .helper = BAD_REGION, LIE(.nr_areas = 65, .sent = 1, .areas = { { 0, PAGE } }) },
	{ "a missing area", region, .outcome = LOST, .helper = BAD_REGION, LIE(.nr_areas = 2, .sent = 1, .areas = { { 0, PAGE } }) },
	{ "an area of 0 bytes", region, .outcome = LOST, .helper = BAD_REGION, LIE(.sent = 1, .areas = { { 0, 0 } }) },
	{ "an area across the end", region, .outcome = LOST, .helper = BAD_REGION, LIE(.sent = 1, .areas = { { 3 * PAGE, 2 * PAGE } }) },
	{ "an area past the end", region, .outcome = LOST, .helper = BAD_REGION, LIE(.sent = 1, .areas = { { 5 * PAGE, PAGE } }) },
	{ "an area that wraps", region, .outcome = LOST, .helper = BAD_REGION, LIE(.sent = 1, .areas = { { PAGE, -PAGE } }) },
	{ "overlapping areas", region, .outcome = LOST, .helper = BAD_REGION, LIE(.sent = 2, .areas = { { PAGE, 2 * PAGE }, { 0, 2 * PAGE } }) },
	{ "an area twice", region, .outcome = LOST, .helper = BAD_REGION, LIE(.sent = 2, .areas = { { 0, PAGE }, { 0, PAGE } }) },
	{ "areas without page alignment", region, .outcome = FINE, LIE(.sent = 2, .areas = { { 8, PAGE }, { 2 * PAGE, 512 } }) },
	{ "no descriptor", region, .outcome = FINE, LIE(.file = FILE_NONE) },
	{ "a pipe", region, .outcome = FINE, LIE(.file = FILE_PIPE) },
	{ "/dev/null", region, .outcome = FINE, LIE(.file = FILE_NULL) },
	{ "a directory", region, .outcome = FINE, LIE(.file = FILE_DIRECTORY) },
	{ "a socket", region, .outcome = FINE, LIE(.file = FILE_SOCKET) },
	{ "an eventfd", region, .outcome = FINE, LIE(.file = FILE_EVENTFD) },
	{ "an epoll descriptor", region, .outcome = FINE, LIE(.file = FILE_EPOLL) },
	{ "an O_PATH descriptor", region, .outcome = FINE, LIE(.file = FILE_PATH) },
	{ "its own socket", region, .outcome = FINE, LIE(.file = FILE_ITSELF) },
	{ "the server's own memory", region, .outcome = FINE, LIE(.file = FILE_PROC) },
	{ "a read-only file", region, .outcome = FINE, LIE(.file = FILE_READ_ONLY) },
	{ "a sealed file", region, .outcome = FINE, LIE(.file = FILE_SEALED) },
	{ "an empty file", region, .outcome = FINE, LIE(.file = FILE_EMPTY) },
	{ "an area far past the end of the file", region, .outcome = FINE, LIE(.offset = 1ULL << 40) },

	{ "2^32 - 1 ioeventfds", io_fds, .outcome = LOST, .helper = BAD_IO_FDS, IO(.count = -1) },
	{ "1025 ioeventfds", io_fds, .outcome = LOST, .helper = BAD_IO_FDS, IO(.count = 1025) },
	{ "more ioeventfds than sent", io_fds, .outcome = LOST, .helper = BAD_IO_FDS, IO(.count = 2) },
	{ "argsz 2^32 - 1", io_fds, .outcome = LOST, .helper = BAD_IO_FDS, IO(.argsz = -1) },
	{ "index 1 of one descriptor", io_fds, .outcome = LOST, .helper = BAD_IO_FDS, IO(.io.fd_index = 1) },
	{ "descriptor 2^32 - 1", io_fds, .outcome = LOST, .helper = BAD_IO_FDS, IO(.io.fd_index = -1) },
	{ "type 7", io_fds, .outcome = FINE, IO(.io.type = 7) },
	{ "type 7, descriptor 2^32 - 1", io_fds, .outcome = FINE, IO(.io.type = 7, .io.fd_index = -1) },
	{ "an entry of 48 bytes, all ones after 40", io_fds, .outcome = FINE, IO(.stride = 48, .io.size = 4, .file = FILE_EVENTFD) },
	{ "an entry of 39 bytes", io_fds, .outcome = LOST, .helper = BAD_IO_FDS, IO(.stride = 39, .io.size = 4, .file = FILE_EVENTFD) },
	{ "an entry of 44 bytes", io_fds, .outcome = LOST, .helper = BAD_IO_FDS, IO(.stride = 44, .io.size = 4, .file = FILE_EVENTFD) },
	{ "an entry of 56 bytes", io_fds, .outcome = LOST, .helper = BAD_IO_FDS, IO(.stride = 56, .io.size = 4, .file = FILE_EVENTFD) },
	{ "offset 2^64 - 1", io_fds, .outcome = LOST, .helper = BAD_IO_FDS, IO(.io.offset = ALL) },
	{ "size 2^64 - 1", io_fds, .outcome = LOST, .helper = BAD_IO_FDS, IO(.io.size = ALL) },
	{ "an ioeventfd across the end", io_fds, .outcome = LOST, .helper = BAD_IO_FDS, IO(.io.offset = HOSTILE_BAR2_SIZE - 4, .io.size = 8) },
	{ "size 3", io_fds, .outcome = FINE, IO(.io.size = 3, .file = FILE_EVENTFD) },
	{ "unknown flags", io_fds, .outcome = FINE, IO(.io.size = 4, .io.flags = -1, .file = FILE_EVENTFD) },
	{ "another file than an eventfd", io_fds, .outcome = LOST, .helper = "is not an eventfd", .no_header = true, IO(.io.size = 4, .file = FILE_PIPE) },

	{ "4097 interrupts", patch32, 12, 4097, LOST, .helper = BAD_IRQ, .action = "irq info" },
	{ "2^32 - 1 interrupts", patch32, 12, ALL, LOST, .helper = BAD_IRQ, .action = "irq info" },
	{ "another index", patch32, 8, 1, LOST, .helper = BAD_IRQ, .action = "irq info" },
	{ "all flags", patch32, 4, ALL, FINE, .action = "irq info" },
};
/* clang-format on */

const unsigned int nr_single_tricks =
	sizeof(single_tricks) / sizeof(single_tricks[0]);
