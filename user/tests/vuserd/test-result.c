// SPDX-License-Identifier: GPL-2.0
/* The result of a process that has parsed what a server sent may be forged. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../libbase/stream.h"
#include "../../vuserd/result.h"
#include "../harness.h"
#include "../wire.h"

/* A description with all kinds of files. */
struct source {
	struct vuser_description desc;
	struct vuser_area areas[2];
	struct vuser_io_fd io_fds[3];
	int eventfds[2];
	int channel[2];
	struct result *result;
	int before;
};

static void init(struct source *s)
{
	struct vuser_region *region;
	int i;

	memset(s, 0, sizeof(*s));
	s->before = wire_count_fds();
	s->result = calloc(1, sizeof(*s->result));
	require(s->result);
	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
			    s->channel));
	s->desc.sock = dup(0);
	s->desc.twin = dup(0);
	s->desc.nr_regions = 9;
	s->desc.nr_irqs = 5;
	s->desc.irqs[2].count = 8;
	for (i = 0; i < VUSER_MAX_REGIONS; i++)
		s->desc.regions[i].fd = -1;
	region = &s->desc.regions[1];
	region->size = 0x10000;
	region->fd = memfd_create("area", MFD_CLOEXEC);
	region->areas = s->areas;
	region->nr_areas = 2;
	s->areas[1].offset = 0x4000;
	s->areas[1].size = 0x1000;
	region = &s->desc.regions[2];
	region->size = 0x2000;
	region->io_fds = s->io_fds;
	region->nr_io_fds = 3;
	region->fds = s->eventfds;
	region->nr_fds = 2;
	for (i = 0; i < 2; i++)
		s->eventfds[i] = eventfd(0, EFD_CLOEXEC);
	for (i = 0; i < 3; i++) {
		s->io_fds[i].offset = 4 * i;
		s->io_fds[i].fd = s->eventfds[i ? 1 : 0];
	}
	s->result->config_size = 64;
}

/* The process that wrote the result ends, and vuserd reads it. */
static int take(struct source *s, struct vuser_description **desc)
{
	static struct result result;

	close(s->channel[1]);
	s->channel[1] = -1;
	return result_take(s->result, s->channel[0], &result, desc);
}

static void fini(struct source *s)
{
	int i;

	close(s->desc.sock);
	close(s->desc.twin);
	close(s->desc.regions[1].fd);
	for (i = 0; i < 2; i++) {
		close(s->eventfds[i]);
		close(s->channel[i]);
	}
	free(s->result);
	check(wire_await_fds(s->before));
}

TEST(description_is_the_same_after_put_and_take)
{
	struct vuser_description *desc;
	struct vuser_region *region;
	struct source s;

	init(&s);
	require(!result_put(s.result, s.channel[1], &s.desc));
	require(!take(&s, &desc));
	check(desc->sock >= 0 && desc->sock != s.desc.sock);
	check(desc->twin >= 0);
	check_eq(desc->nr_regions, 9);
	check_eq(desc->irqs[2].count, 8);
	region = &desc->regions[1];
	check_eq(region->nr_areas, 2);
	check_eq(region->areas[1].offset, 0x4000);
	check(region->fd >= 0);
	region = &desc->regions[2];
	check_eq(region->fd, -1);
	check_eq(region->nr_fds, 2);
	check_eq(region->nr_io_fds, 3);
	check_eq(region->io_fds[0].fd, region->fds[0]);
	check_eq(region->io_fds[2].fd, region->fds[1]);
	check_eq(region->io_fds[2].offset, 8);
	vuser_description_free(desc);
	fini(&s);
}

/* Each entry breaks one number of a good result. */
#define EXPECT_BAD(change)                                             \
	do {                                                           \
		struct vuser_description *desc;                        \
		struct source s;                                       \
                                                                       \
		init(&s);                                              \
		require(!result_put(s.result, s.channel[1], &s.desc)); \
		change;                                                \
		check_eq(take(&s, &desc), -EBADMSG);                   \
		fini(&s);                                              \
	} while (0)

TEST(results_with_a_wrong_number_are_refused)
{
	EXPECT_BAD(s.result->nr_regions = VUSER_MAX_REGIONS + 1);
	EXPECT_BAD(s.result->nr_regions = 2);
	EXPECT_BAD(s.result->nr_irqs = VUSER_MAX_IRQ_INDEXES + 1);
	EXPECT_BAD(s.result->config_size = VUSER_CONFIG_MAX + 1);
	EXPECT_BAD(s.result->nr_io_fds = VUSER_MAX_IOEVENTFDS + 1);
	EXPECT_BAD(s.result->io_fds[1].region = 9);
	EXPECT_BAD(s.result->io_fds[1].region = 1);
	EXPECT_BAD(s.result->io_fds[1].eventfd = 2);
	EXPECT_BAD(s.result->nr_eventfds[2] = 3);
	EXPECT_BAD(s.result->nr_eventfds[2] = -1);
	EXPECT_BAD(s.result->regions[1].nr_areas = VUSER_MAX_AREAS + 1);
	EXPECT_BAD(s.result->regions[1].has_file = false);
}

/* Without files; the files that arrive stay with no one. */
TEST(results_without_their_files_are_refused)
{
	struct vuser_description *desc;
	struct source s;

	init(&s);
	require(!result_put(s.result, s.channel[1], &s.desc));
	close(s.channel[0]);
	close(s.channel[1]);
	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s.channel));
	check_eq(take(&s, &desc), -EBADMSG);
	fini(&s);
}

/* The files are the process's fault, and vuserd's own limit is not reached. */
TEST(results_with_too_many_files_are_refused)
{
	struct iovec iov = { .iov_base = (char[]) { 0 }, .iov_len = 1 };
	struct vuser_description *desc;
	int fds[VU_STREAM_MAX_FDS], i;
	const struct rlimit many = { 4096, 4096 };
	struct source s;

	require(!setrlimit(RLIMIT_NOFILE, &many));
	init(&s);
	for (i = 0; i < VU_STREAM_MAX_FDS; i++)
		fds[i] = s.eventfds[0];
	for (i = 0; i < 5; i++)
		require(vu_stream_send(s.channel[1], &iov, 1, fds,
				       VU_STREAM_MAX_FDS) == 1);
	check_eq(take(&s, &desc), -EBADMSG);
	fini(&s);
}

TEST(results_are_refused_while_a_process_has_the_other_end_of_the_socket)
{
	struct vuser_description *desc;
	struct source s;
	int other;

	init(&s);
	require(!result_put(s.result, s.channel[1], &s.desc));
	other = dup(s.channel[1]);
	check_eq(take(&s, &desc), -EBADMSG);
	close(other);
	fini(&s);
}

#define ROUNDS 2000

static atomic_bool stop;

/* A child of the process that wrote the result still writes. */
static void *rewrite(void *arg)
{
	volatile uint32_t *nr_areas = arg;

	while (!stop) {
		*nr_areas = 1 << 24;
		*nr_areas = 2;
	}
	return NULL;
}

TEST(result_that_changes_while_it_is_read_is_taken_or_refused)
{
	struct vuser_description *desc;
	pthread_t thread;
	struct source s;
	int i, ret;

	for (i = 0; i < ROUNDS; i++) {
		init(&s);
		require(!result_put(s.result, s.channel[1], &s.desc));
		stop = false;
		require(!pthread_create(&thread, NULL, rewrite,
					&s.result->regions[1].nr_areas));
		ret = take(&s, &desc);
		check(!ret || ret == -EBADMSG);
		if (!ret) {
			check_eq(desc->regions[1].nr_areas, 2);
			vuser_description_free(desc);
		}
		stop = true;
		pthread_join(thread, NULL);
		fini(&s);
	}
}
