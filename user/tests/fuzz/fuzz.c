// SPDX-License-Identifier: GPL-2.0
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

/* The number of file descriptors checked; a run uses fewer. */
#define MAX_FDS 1024

static struct pollfd before[MAX_FDS];

static uint64_t get(struct fuzz_in *in, size_t size)
{
	uint64_t val = 0;
	size_t i;

	for (i = 0; i < size && in->left; i++) {
		val |= (uint64_t)*in->pos++ << (8 * i);
		in->left--;
	}
	return val;
}

uint8_t fuzz_u8(struct fuzz_in *in)
{
	return get(in, 1);
}

uint16_t fuzz_u16(struct fuzz_in *in)
{
	return get(in, 2);
}

uint32_t fuzz_u32(struct fuzz_in *in)
{
	return get(in, 4);
}

uint64_t fuzz_u64(struct fuzz_in *in)
{
	return get(in, 8);
}

const uint8_t *fuzz_bytes(struct fuzz_in *in, size_t *len)
{
	const uint8_t *bytes = in->pos;

	if (*len > in->left)
		*len = in->left;
	in->pos += *len;
	in->left -= *len;
	return bytes;
}

void *fuzz_copy(const void *data, size_t len)
{
	void *copy = malloc(len);

	FUZZ_CHECK(copy);
	if (len)
		memcpy(copy, data, len);
	return copy;
}

void fuzz_fail(const char *file, int line, const char *cond)
{
	fprintf(stderr, "%s:%d: check failed: %s\n", file, line, cond);
	abort();
}

/* poll() returns POLLNVAL at once for closed descriptors. */
static void look(struct pollfd *fds)
{
	int i;

	for (i = 0; i < MAX_FDS; i++)
		fds[i] = (struct pollfd) { .fd = i };
	poll(fds, MAX_FDS, 0);
}

void fuzz_fds_begin(void)
{
	look(before);
}

void fuzz_fds_end(void)
{
	struct pollfd after[MAX_FDS];
	int i;

	look(after);
	for (i = 0; i < MAX_FDS; i++) {
		if (!((before[i].revents ^ after[i].revents) & POLLNVAL))
			continue;
		fprintf(stderr, "fd %d is %s\n", i,
			after[i].revents & POLLNVAL ? "closed" : "left open");
		fuzz_fail(__FILE__, __LINE__,
			  "the same file descriptors are open as before");
	}
}

/*
 * Replaces the library's function, which closes some descriptors in a thread.
 * Here they are closed at once, so that leaks and double closes are found.
 */
void __wrap_vu_fd_close(int fd);

void __wrap_vu_fd_close(int fd)
{
	FUZZ_CHECK(fd < 0 || !close(fd));
}
