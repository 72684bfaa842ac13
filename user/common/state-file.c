// SPDX-License-Identifier: GPL-2.0
/* A file that keeps the state of a device while its program is started again. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state-file.h"

#define MAGIC	    "vuser state 1"
#define HEADER_SIZE 4096

/**
 * struct header - the first page of the file
 * @magic: MAGIC
 * @program: as in struct state_file_kind
 * @device: as in struct state_file_kind
 * @size: as in struct state_file_kind
 * @version: as in struct state_file_kind
 * @begun: the state is complete; stored last
 */
struct header {
	char magic[16];
	char program[STATE_FILE_PROGRAM];
	char device[STATE_FILE_DEVICE];
	uint64_t size;
	uint32_t version;
	_Atomic uint32_t begun;
};

_Static_assert(sizeof(struct header) <= HEADER_SIZE, "the header fits a page");

__attribute__((format(printf, 3, 4))) static int refuse(char *why, int error,
							const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, STATE_FILE_WHY, fmt, ap);
	va_end(ap);
	return error;
}

static int open_locked(struct state_file *file, const char *path, char *why)
{
	struct stat st;

	file->fd = open(path,
			O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
			0600);
	if (file->fd < 0)
		return refuse(
			why, -errno, "cannot open the state file %s: %s%s",
			path, strerror(errno),
			errno == ENOENT ? ": create the directory first" : "");
	if (fstat(file->fd, &st) || !S_ISREG(st.st_mode))
		return refuse(why, -EINVAL,
			      "the state file %s is not a regular file: give "
			      "another path",
			      path);
	if (flock(file->fd, LOCK_EX | LOCK_NB))
		return refuse(why, -errno,
			      "the state file %s is in use by another process: "
			      "stop that process, or give another path",
			      path);
	return 0;
}

/* Give a new file its size, with memory or disk for all of it. */
static int set_size(struct state_file *file, const char *path, char *why)
{
	struct stat st;
	off_t size = HEADER_SIZE + file->size;
	int ret;

	if (fstat(file->fd, &st))
		return refuse(why, -errno, "the state file %s: %s", path,
			      strerror(errno));
	if (st.st_size && st.st_size != size)
		return refuse(why, -EINVAL,
			      "%s is not a state file of this version of the "
			      "program: give another path, or remove the file "
			      "to start with a reset device",
			      path);
	ret = posix_fallocate(file->fd, 0, size);
	if (ret)
		return refuse(why, -ret,
			      "there is no space for the state file %s: %s",
			      path, strerror(ret));
	return 0;
}

static void fill_header(struct header *h, const struct state_file_kind *kind)
{
	snprintf(h->magic, sizeof(h->magic), "%s", MAGIC);
	snprintf(h->program, sizeof(h->program), "%s", kind->program);
	snprintf(h->device, sizeof(h->device), "%s", kind->device);
	h->size = kind->size;
	h->version = kind->version;
}

/* Whether a program of this kind was killed before it had begun a state. */
static bool is_unfinished(const struct header *h, const struct header *want)
{
	const uint8_t *is = (const uint8_t *)h, *full = (const uint8_t *)want;
	size_t i;

	for (i = 0; i < sizeof(*h); i++)
		if (is[i] && is[i] != full[i])
			return false;
	return true;
}

/* Return 1 if the file has a state, 0 if it is new. */
static int check_header(const struct header *h, const struct header *want,
			const char *path, char *why)
{
	if (!atomic_load(&h->begun) && is_unfinished(h, want))
		return 0;
	if (memcmp(h->magic, want->magic, sizeof(h->magic)))
		return refuse(why, -EINVAL,
			      "%s is not a state file: give another path",
			      path);
	if (memcmp(h->program, want->program, sizeof(h->program)))
		return refuse(why, -EINVAL,
			      "%s is the state file of %.*s: give another path",
			      path, (int)sizeof(h->program), h->program);
	if (h->version != want->version || h->size != want->size)
		return refuse(why, -EINVAL,
			      "%s has the state of another version of the "
			      "program: start that version, or remove the file "
			      "to start with a reset device",
			      path);
	if (memcmp(h->device, want->device, sizeof(h->device)))
		return refuse(why, -EINVAL,
			      "%s has the state of another device (%.*s): give "
			      "the same options, or remove the file to start "
			      "with a reset device",
			      path, (int)sizeof(h->device), h->device);
	return 1;
}

static int map(struct state_file *file, const struct state_file_kind *kind,
	       const char *path, char *why)
{
	struct header want = { .size = 0 };
	struct header *h;
	int ret;

	h = mmap(NULL, HEADER_SIZE + file->size, PROT_READ | PROT_WRITE,
		 MAP_SHARED, file->fd, 0);
	if (h == MAP_FAILED)
		return refuse(why, -errno, "cannot map the state file %s: %s",
			      path, strerror(errno));
	file->header = h;
	file->data = (char *)h + HEADER_SIZE;
	fill_header(&want, kind);
	ret = check_header(h, &want, path, why);
	if (!ret) {
		memset(file->data, 0, file->size);
		fill_header(h, kind);
	}
	return ret;
}

int state_file_open(struct state_file *file, const char *path,
		    const struct state_file_kind *kind, char *why)
{
	int ret;

	*file = (struct state_file) { .fd = -1, .size = kind->size };
	ret = open_locked(file, path, why);
	if (!ret)
		ret = set_size(file, path, why);
	if (!ret)
		ret = map(file, kind, path, why);
	if (ret < 0)
		state_file_close(file);
	return ret;
}

void state_file_begin(struct state_file *file)
{
	struct header *h = file->header;

	atomic_store(&h->begun, 1);
}

void state_file_close(struct state_file *file)
{
	if (file->header)
		munmap(file->header, HEADER_SIZE + file->size);
	if (file->fd >= 0)
		close(file->fd);
	*file = (struct state_file) { .fd = -1 };
}

void state_file_put(_Atomic uint32_t *now, void *copies, size_t size,
		    const void *record)
{
	uint32_t next = !atomic_load_explicit(now, memory_order_relaxed);

	memcpy((char *)copies + next * size, record, size);
	atomic_store_explicit(now, next, memory_order_release);
}
