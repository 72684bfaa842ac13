// SPDX-License-Identifier: GPL-2.0
/* The result of an attempt to connect to a server. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "../libbase/stream.h"
#include "result.h"

/* The sockets, one file for each region, and the eventfds. */
#define FDS_MAX (2 + VUSER_MAX_REGIONS + VUSER_MAX_IOEVENTFDS)

/**
 * struct files - file descriptors in the order in which they are sent: the main socket,
 * the twin socket, the files of regions, the eventfds of regions
 * @fds: the file descriptors; -1 for one that was taken
 * @nr: number of entries
 * @next: the next entry to take
 */
struct files {
	int fds[FDS_MAX];
	uint32_t nr;
	uint32_t next;
};

/* The process that connects ------------------------------------------------ */

static void put_region(struct result_region *to,
		       const struct vuser_region *region)
{
	to->size = region->size;
	to->flags = region->flags;
	to->has_type = region->has_type;
	to->type = region->type;
	to->subtype = region->subtype;
	to->has_file = region->fd >= 0;
	to->nr_areas = region->nr_areas;
	if (region->nr_areas)
		memcpy(to->areas, region->areas,
		       region->nr_areas * sizeof(*region->areas));
}

/* The number of an eventfd among those of its region. */
static uint32_t number_of(const struct vuser_region *region, int fd)
{
	uint32_t i;

	for (i = 0; i < region->nr_fds && region->fds[i] != fd; i++)
		;
	return i;
}

static int put_io_fds(struct result *result, uint32_t index,
		      const struct vuser_region *region)
{
	struct result_io_fd *to;
	uint32_t i;

	result->nr_eventfds[index] = region->nr_io_fds ? region->nr_fds : 0;
	for (i = 0; i < region->nr_io_fds; i++) {
		if (result->nr_io_fds == VUSER_MAX_IOEVENTFDS)
			return -E2BIG;
		to = &result->io_fds[result->nr_io_fds++];
		to->region = index;
		to->eventfd = number_of(region, region->io_fds[i].fd);
		to->io = region->io_fds[i];
	}
	return 0;
}

static int collect(const struct vuser_description *desc, struct files *files)
{
	const struct vuser_region *region;
	uint32_t i, j;

	files->fds[files->nr++] = desc->sock;
	if (desc->twin >= 0)
		files->fds[files->nr++] = desc->twin;
	for (i = 0; i < desc->nr_regions; i++)
		if (desc->regions[i].fd >= 0)
			files->fds[files->nr++] = desc->regions[i].fd;
	for (i = 0; i < desc->nr_regions; i++) {
		region = &desc->regions[i];
		for (j = 0; region->nr_io_fds && j < region->nr_fds; j++) {
			if (files->nr == FDS_MAX)
				return -E2BIG;
			files->fds[files->nr++] = region->fds[j];
		}
	}
	return 0;
}

/*
 * Send a byte with files. The kernel limits the number of files in messages that are not
 * read yet, for all processes of a user together (ETOOMANYREFS). It reports no event when
 * others have read theirs, so try again for half a second.
 */
static int send_byte(int channel, const int *fds, uint32_t nr)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	struct iovec iov = { .iov_base = (char[]) { 0 }, .iov_len = 1 };
	unsigned int tries = 50;
	ssize_t ret;

	for (;;) {
		ret = vu_stream_send(channel, &iov, 1, fds, nr);
		if (ret != -ETOOMANYREFS || !--tries)
			return ret < 0 ? (int)ret : 0;
		nanosleep(&pause, NULL);
	}
}

static int send_files(int channel, const struct files *files)
{
	uint32_t i, nr;
	int ret;

	for (i = 0; i < files->nr; i += nr) {
		nr = files->nr - i;
		if (nr > VU_STREAM_MAX_FDS)
			nr = VU_STREAM_MAX_FDS;
		ret = send_byte(channel, files->fds + i, nr);
		if (ret)
			return ret;
	}
	return 0;
}

int result_put(struct result *result, int channel,
	       const struct vuser_description *desc)
{
	struct files files = {};
	uint32_t i;
	int ret;

	result->minor = desc->minor;
	result->flags = desc->flags;
	result->caps = desc->caps;
	result->has_twin = desc->twin >= 0;
	result->nr_regions = desc->nr_regions;
	result->nr_irqs = desc->nr_irqs;
	memcpy(result->irqs, desc->irqs, sizeof(result->irqs));
	for (i = 0; i < desc->nr_regions; i++) {
		put_region(&result->regions[i], &desc->regions[i]);
		ret = put_io_fds(result, i, &desc->regions[i]);
		if (ret)
			return ret;
	}
	ret = collect(desc, &files);
	if (!ret)
		ret = send_files(channel, &files);
	if (!ret)
		result->complete = true;
	return ret;
}

/* vuserd ------------------------------------------------------------------- */

/*
 * Receive all files, at most as many as a result can have. Return 0; -ENFILE if this
 * process cannot have more; -EBADMSG if there are too many, or if the other end of the
 * socket is still open.
 */
static int recv_files(int channel, struct files *files)
{
	struct vu_stream_fds fds = { .fds = files->fds, .max = FDS_MAX };
	ssize_t got;
	char byte;

	do {
		/* One call cannot receive more than this. */
		fds.max = fds.nr + VU_STREAM_MAX_FDS;
		if (fds.max > FDS_MAX)
			fds.max = FDS_MAX;
		got = vu_stream_recv(channel, &byte, 1, &fds);
	} while (got > 0);
	files->nr = fds.nr;
	if (!got)
		return 0;
	return got == -ENFILE ? -ENFILE : -EBADMSG;
}

static void close_files(struct files *files)
{
	uint32_t i;

	for (i = 0; i < files->nr; i++)
		if (files->fds[i] >= 0)
			close(files->fds[i]);
}

/* Take the next file. Return -1 if no file is left. */
static int take_file(struct files *files)
{
	int fd;

	if (files->next == files->nr)
		return -1;
	fd = files->fds[files->next];
	files->fds[files->next++] = -1;
	return fd;
}

static int take_region(const struct result_region *from,
		       struct vuser_region *region, struct files *files)
{
	if (from->nr_areas > VUSER_MAX_AREAS ||
	    (from->nr_areas && !from->has_file))
		return -EBADMSG;
	region->size = from->size;
	region->flags = from->flags;
	region->has_type = from->has_type;
	region->type = from->type;
	region->subtype = from->subtype;
	if (!from->has_file)
		return 0;
	region->fd = take_file(files);
	if (region->fd < 0)
		return -EBADMSG;
	region->areas = calloc(VUSER_MAX_AREAS, sizeof(*region->areas));
	if (!region->areas)
		return -ENOMEM;
	memcpy(region->areas, from->areas,
	       from->nr_areas * sizeof(*region->areas));
	region->nr_areas = from->nr_areas;
	return 0;
}

static int take_eventfds(uint32_t nr, struct vuser_region *region,
			 struct files *files)
{
	int fd;

	if (!nr)
		return 0;
	if (nr > VUSER_MAX_IOEVENTFDS)
		return -EBADMSG;
	region->fds = calloc(nr, sizeof(*region->fds));
	region->io_fds = calloc(VUSER_MAX_IOEVENTFDS, sizeof(*region->io_fds));
	if (!region->fds || !region->io_fds)
		return -ENOMEM;
	while (region->nr_fds < nr) {
		fd = take_file(files);
		if (fd < 0)
			return -EBADMSG;
		region->fds[region->nr_fds++] = fd;
	}
	return 0;
}

static int take_io_fd(const struct result_io_fd *from,
		      struct vuser_description *desc)
{
	struct vuser_region *region;
	struct vuser_io_fd *io;

	if (from->region >= desc->nr_regions)
		return -EBADMSG;
	region = &desc->regions[from->region];
	if (from->eventfd >= region->nr_fds ||
	    region->nr_io_fds == VUSER_MAX_IOEVENTFDS)
		return -EBADMSG;
	io = &region->io_fds[region->nr_io_fds++];
	*io = from->io;
	io->fd = region->fds[from->eventfd];
	return 0;
}

static int take_sockets(const struct result *result,
			struct vuser_description *desc, struct files *files)
{
	desc->sock = take_file(files);
	if (result->has_twin)
		desc->twin = take_file(files);
	return desc->sock < 0 || (result->has_twin && desc->twin < 0) ?
		       -EBADMSG :
		       0;
}

static int take_all(const struct result *result, struct vuser_description *desc,
		    struct files *files)
{
	uint32_t i;
	int ret;

	if (result->nr_regions > VUSER_MAX_REGIONS ||
	    result->nr_irqs > VUSER_MAX_IRQ_INDEXES ||
	    result->nr_io_fds > VUSER_MAX_IOEVENTFDS ||
	    result->config_size > VUSER_CONFIG_MAX)
		return -EBADMSG;
	desc->minor = result->minor;
	desc->flags = result->flags;
	desc->caps = result->caps;
	desc->nr_irqs = result->nr_irqs;
	memcpy(desc->irqs, result->irqs, sizeof(desc->irqs));
	desc->nr_regions = result->nr_regions;
	ret = take_sockets(result, desc, files);
	for (i = 0; !ret && i < desc->nr_regions; i++)
		ret = take_region(&result->regions[i], &desc->regions[i],
				  files);
	for (i = 0; !ret && i < desc->nr_regions; i++)
		ret = take_eventfds(result->nr_eventfds[i], &desc->regions[i],
				    files);
	for (i = 0; !ret && i < result->nr_io_fds; i++)
		ret = take_io_fd(&result->io_fds[i], desc);
	return ret;
}

/* A description without files, which vuser_description_free() can free. */
static struct vuser_description *new_description(void)
{
	struct vuser_description *desc = calloc(1, sizeof(*desc));
	int i;

	if (!desc)
		return NULL;
	desc->sock = -1;
	desc->twin = -1;
	for (i = 0; i < VUSER_MAX_REGIONS; i++)
		desc->regions[i].fd = -1;
	return desc;
}

int result_take(const struct result *shared, int channel, struct result *result,
		struct vuser_description **desc)
{
	struct files files = {};
	int ret;

	memcpy(result, shared, sizeof(*result));
	ret = recv_files(channel, &files);
	*desc = new_description();
	if (!ret && !*desc)
		ret = -ENOMEM;
	if (!ret)
		ret = take_all(result, *desc, &files);
	close_files(&files);
	if (ret)
		vuser_description_free(*desc);
	return ret;
}
