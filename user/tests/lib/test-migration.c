// SPDX-License-Identifier: GPL-2.0
/* Migration states, migration data and the log of writes in the library. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "device.h"
#include "../harness.h"

#define GET   VFIO_DEVICE_FEATURE_GET
#define SET   VFIO_DEVICE_FEATURE_SET
#define PROBE VFIO_DEVICE_FEATURE_PROBE

#define MIGRATION VFIO_DEVICE_FEATURE_MIGRATION
#define STATE	  VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE
#define START	  VFIO_DEVICE_FEATURE_DMA_LOGGING_START
#define END	  VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP
#define REPORT	  VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT

#define STOP	 VFIO_DEVICE_STATE_STOP
#define RUNNING	 VFIO_DEVICE_STATE_RUNNING
#define COPY	 VFIO_DEVICE_STATE_STOP_COPY
#define RESUMING VFIO_DEVICE_STATE_RESUMING
#define ERROR	 VFIO_DEVICE_STATE_ERROR
#define P2P	 VFIO_DEVICE_STATE_RUNNING_P2P
#define PRE	 VFIO_DEVICE_STATE_PRE_COPY
#define PRE_P2P	 VFIO_DEVICE_STATE_PRE_COPY_P2P

static struct device *dev;
static struct vuser_client *client;

static void setup_with(bool migration, bool logging, uint64_t flags)
{
	const struct vuser_server_config config = {
		.struct_size = sizeof(config),
		.device_flags = VFIO_DEVICE_FLAGS_PCI,
		.migration = migration,
		.dma_logging = logging,
		.max_data_xfer_size = 4096,
		.migration_flags = flags,
	};

	dev = device_new(&config, NULL);
	require(dev);
	client = device_client(dev, NULL, NULL, NULL);
	require(client);
}

static void setup(bool migration, bool logging)
{
	setup_with(migration, logging, 0);
}

static void teardown(void)
{
	vuser_client_free(client);
	check(device_await(&dev->disconnects, 1));
	device_free(dev);
}

static int probe(uint32_t what)
{
	return vuser_client_feature(client, PROBE | what, NULL, 0, 0);
}

static ssize_t set_state(uint32_t to)
{
	struct vfio_device_feature_mig_state state = { .device_state = to };

	return vuser_client_feature(client, SET | STATE, &state, sizeof(state),
				    sizeof(state));
}

static int state(void)
{
	struct vfio_device_feature_mig_state got = { .data_fd = 7 };

	check_eq(vuser_client_feature(client, GET | STATE, &got, 0,
				      sizeof(got)),
		 sizeof(got));
	check_eq(got.data_fd, -1);
	return got.device_state;
}

TEST(features_are_offered_as_the_server_is_configured)
{
	const uint32_t all[] = { MIGRATION, STATE, START, END, REPORT };
	struct vfio_device_feature_migration flags = { 0 };
	size_t i;

	setup(true, true);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		check_eq(probe(all[i]), 0);
	check_eq(probe(GET | SET | STATE), 0);
	/* Each method in the probe must exist. */
	check_eq(probe(SET | MIGRATION), -EINVAL);
	check_eq(probe(GET | SET | MIGRATION), -EINVAL);
	check_eq(probe(GET | START), -EINVAL);
	check_eq(probe(GET | END), -EINVAL);
	check_eq(probe(SET | REPORT), -EINVAL);
	check_eq(vuser_client_feature(client, GET | MIGRATION, &flags, 0,
				      sizeof(flags)),
		 sizeof(flags));
	check_eq(flags.flags, VFIO_MIGRATION_STOP_COPY);
	check_eq(vuser_client_feature(client, GET | MIGRATION, &flags, 0, 4),
		 -ENOSPC);
	/* Features that the library does not implement go to the device. */
	check_eq(probe(3), -ENOTTY);
	teardown();

	/* The test device has its own MIG_DEVICE_STATE feature. */
	setup(false, true);
	check_eq(probe(MIGRATION), -ENOTTY);
	check_eq(probe(START), 0);
	teardown();
	setup(true, false);
	check_eq(probe(MIGRATION), 0);
	check_eq(probe(START), -ENOTTY);
	check_eq(probe(END), -ENOTTY);
	check_eq(probe(REPORT), -ENOTTY);
	teardown();
}

TEST(state_changes_follow_the_steps_between_states)
{
	/* Old state, new state, and the steps between them. */
	static const unsigned int table[][3] = {
		{ RUNNING, RUNNING, 0 },     { RUNNING, STOP, 21 },
		{ RUNNING, COPY, 2113 },     { RUNNING, RESUMING, 2114 },
		{ STOP, RUNNING, 12 },	     { STOP, STOP, 0 },
		{ STOP, COPY, 13 },	     { STOP, RESUMING, 14 },
		{ COPY, RUNNING, 3112 },     { COPY, STOP, 31 },
		{ COPY, COPY, 0 },	     { COPY, RESUMING, 3114 },
		{ RESUMING, RUNNING, 4112 }, { RESUMING, STOP, 41 },
		{ RESUMING, COPY, 4113 },    { RESUMING, RESUMING, 0 },
	};
	/* RUNNING_P2P, PRE_COPY and PRE_COPY_P2P, which old headers lack. */
	const uint32_t none[] = { ERROR, 5, 6, 7, 8, UINT32_MAX };
	struct vfio_device_feature_mig_state in = { .device_state = STOP };
	size_t i;

	setup(true, false);
	check_eq(state(), RUNNING);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		check_eq(set_state(table[i][0]), 8);
		dev->mig_steps = 0;
		check_eq(set_state(table[i][1]), 8);
		check_eq(dev->mig_steps, table[i][2]);
		check_eq(state(), table[i][1]);
	}
	dev->mig_steps = 0;
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		check_eq(set_state(none[i]), -EINVAL);
	check_eq(vuser_client_feature(client, SET | STATE, &in, 4, 8), -EINVAL);
	check_eq(dev->mig_steps, 0);
	check_eq(state(), RESUMING);
	teardown();
}

struct path {
	uint32_t from;
	uint32_t to;
	unsigned long long steps;
};

static void check_paths(const struct path *table, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		check_eq(vuser_client_reset(client), 0);
		check_eq(set_state(table[i].from), 8);
		dev->mig_steps = 0;
		check_eq(set_state(table[i].to), table[i].steps ? 8 : -EINVAL);
		check_eq(dev->mig_steps, table[i].steps);
		check_eq(state(), table[i].steps ? table[i].to : table[i].from);
	}
}

TEST(optional_states_have_paths_of_their_own)
{
	static const struct path all[] = {
		{ RUNNING, STOP, 2551 },
		{ RUNNING, P2P, 25 },
		{ RUNNING, PRE, 26 },
		{ RUNNING, PRE_P2P, 2557 },
		{ RUNNING, COPY, 255113 },
		{ P2P, PRE, 5226 },
		{ P2P, PRE_P2P, 57 },
		{ P2P, RUNNING, 52 },
		{ P2P, RESUMING, 5114 },
		{ PRE, COPY, 6773 },
		{ PRE, PRE_P2P, 67 },
		{ PRE, RUNNING, 62 },
		{ PRE, STOP, 622551 },
		{ PRE, P2P, 6225 },
		{ PRE_P2P, COPY, 73 },
		{ PRE_P2P, PRE, 76 },
		{ PRE_P2P, P2P, 75 },
		{ PRE_P2P, RUNNING, 7552 },
		{ PRE_P2P, RESUMING, 755114 },
		{ STOP, PRE, 155226 },
		{ STOP, PRE_P2P, 1557 },
		{ COPY, RUNNING, 311552 },
		{ COPY, PRE, 0 },
		{ COPY, PRE_P2P, 0 },
		{ RESUMING, PRE, 41155226 },
		{ RESUMING, P2P, 4115 },
	};
	static const struct path pre[] = {
		{ RUNNING, PRE, 26 }, { PRE, COPY, 63 }, { PRE, STOP, 6221 },
		{ STOP, PRE, 1226 },  { COPY, PRE, 0 },	 { RUNNING, P2P, 0 },
		{ PRE, PRE_P2P, 0 },
	};
	static const struct path p2p[] = {
		{ RUNNING, STOP, 2551 }, { STOP, RUNNING, 1552 },
		{ STOP, P2P, 15 },	 { RUNNING, PRE, 0 },
		{ P2P, PRE_P2P, 0 },
	};
	char buf[8];

	setup_with(true, false, VFIO_MIGRATION_P2P | VFIO_MIGRATION_PRE_COPY);
	check_paths(all, sizeof(all) / sizeof(all[0]));
	check_eq(vuser_client_reset(client), 0);
	check_eq(set_state(PRE), 8);
	check_eq(vuser_client_mig_read(client, buf, sizeof(buf)), sizeof(buf));
	check_eq(vuser_client_mig_write(client, buf, sizeof(buf)), -EINVAL);
	check_eq(set_state(P2P), 8);
	check_eq(vuser_client_mig_read(client, buf, sizeof(buf)), -EINVAL);
	teardown();
	setup_with(true, false, VFIO_MIGRATION_PRE_COPY);
	check_paths(pre, sizeof(pre) / sizeof(pre[0]));
	teardown();
	setup_with(true, false, VFIO_MIGRATION_P2P);
	check_paths(p2p, sizeof(p2p) / sizeof(p2p[0]));
	teardown();
}

TEST(size_of_the_state_is_what_the_device_says)
{
	struct vfio_device_feature_mig_data_size size = { 0 };
	const uint32_t get = GET | VFIO_DEVICE_FEATURE_MIG_DATA_SIZE;

	setup(true, false);
	check_eq(probe(get), 0);
	check_eq(probe(SET | VFIO_DEVICE_FEATURE_MIG_DATA_SIZE), -EINVAL);
	check_eq(vuser_client_feature(client, get, &size, 0, sizeof(size)),
		 sizeof(size));
	check_eq(size.stop_copy_length, 12345);
	teardown();
	setup(false, false);
	check_eq(probe(get), -ENOTTY);
	teardown();
}

TEST(failed_step_leaves_the_state_before_it)
{
	setup(true, false);
	/*
	 * The device keeps the state before the failed step, not the state
	 * before the first step.
	 */
	dev->mig_refuse = COPY;
	check_eq(set_state(COPY), -EREMOTEIO);
	check_eq(state(), STOP);
	check_eq(set_state(RUNNING), 8);
	dev->mig_refuse = STOP;
	check_eq(set_state(COPY), -EREMOTEIO);
	check_eq(state(), RUNNING);
	dev->mig_refuse = 0;
	check_eq(set_state(RESUMING), 8);
	dev->mig_refuse = STOP;
	check_eq(set_state(RUNNING), -EREMOTEIO);
	check_eq(state(), ERROR);
	dev->mig_refuse = 0;
	check_eq(set_state(STOP), -EINVAL);
	check_eq(set_state(ERROR), -EINVAL);
	check_eq(vuser_client_reset(client), 0);
	check_eq(state(), RUNNING);
	teardown();
}

TEST(migration_data_moves_only_in_its_states)
{
	char buf[200];

	setup(true, false);
	check_eq(vuser_client_mig_read(client, buf, sizeof(buf)), -EINVAL);
	check_eq(vuser_client_mig_write(client, buf, sizeof(buf)), -EINVAL);
	check_eq(set_state(COPY), 8);
	check_eq(vuser_client_mig_read(client, buf, sizeof(buf)), 100);
	check_eq(buf[99], 'm');
	check_eq(vuser_client_mig_read(client, buf, 7), 7);
	check_eq(vuser_client_mig_write(client, buf, sizeof(buf)), -EINVAL);
	check_eq(set_state(RESUMING), 8);
	check_eq(vuser_client_mig_read(client, buf, sizeof(buf)), -EINVAL);
	check_eq(vuser_client_mig_write(client, buf, sizeof(buf)), 0);
	check_eq(dev->last_count, sizeof(buf));
	check_eq(vuser_client_mig_write(client, buf, 0), 0);
	check_eq(dev->last_count, 0);
	/* More than max_data_xfer_size is not sent. */
	check_eq(vuser_client_mig_read(client, buf, 4097), -EINVAL);
	check_eq(vuser_client_mig_write(client, buf, 4097), -EINVAL);
	teardown();
}

static ssize_t start(uint32_t nr, const uint64_t *ranges, size_t len,
		     uint64_t *page)
{
	struct {
		uint64_t page_size;
		uint32_t num_ranges;
		uint32_t reserved;
		uint64_t ranges[8];
	} msg = { .page_size = 4096, .num_ranges = nr };
	ssize_t ret;

	if (ranges)
		memcpy(msg.ranges, ranges, len - offsetof(typeof(msg), ranges));
	ret = vuser_client_feature(client, SET | START, &msg, len, sizeof(msg));
	if (page)
		*page = msg.page_size;
	return ret;
}

TEST(dma_logging_starts_once_and_ends_with_the_client)
{
	const uint64_t ranges[] = { 0, 4096, 1 << 20, 8192 };
	uint64_t bad[] = { 0, 4096, UINT64_MAX - 4095, 8192 }, page;
	const size_t head = sizeof(struct vfio_user_log_control);

	setup(false, true);
	/* Too short; too many ranges; ranges that are empty or wrap. */
	check_eq(start(0, NULL, head - 1, NULL), -EINVAL);
	check_eq(start(1, NULL, head, NULL), -EINVAL);
	check_eq(start(3, ranges, head + 32, NULL), -EINVAL);
	check_eq(start(UINT32_MAX, ranges, head + 32, NULL), -EINVAL);
	check_eq(start(2, bad, head + 32, NULL), -EINVAL);
	bad[3] = 0;
	check_eq(start(2, bad, head + 32, NULL), -EINVAL);
	check_eq(dev->logging, 0);
	check_eq(start(2, ranges, head + 32, &page), head + 32);
	check_eq(page, DEVICE_LOG_PAGE);
	check_eq(dev->logging, 1);
	check_eq(start(0, NULL, head, NULL), -EBUSY);
	check_eq(vuser_client_feature(client, SET | END, NULL, 0, 0), 0);
	check_eq(dev->logging, 0);
	/* Stopping twice is allowed. */
	check_eq(vuser_client_feature(client, SET | END, NULL, 0, 0), 0);
	check_eq(dev->logging, 0);
	/* All memory up to the last byte. */
	bad[3] = 4096;
	check_eq(start(2, bad, head + 32, NULL), head + 32);
	/* A reset does not stop logging; the disconnect of the client does. */
	check_eq(vuser_client_reset(client), 0);
	check_eq(dev->logging, 1);
	vuser_client_free(client);
	check(device_await(&dev->disconnects, 1));
	client = device_client(dev, NULL, NULL, NULL);
	require(client);
	check_eq(dev->logging, 0);
	vuser_client_free(client);
	check(device_await(&dev->disconnects, 2));
	device_free(dev);
}

struct report {
	uint64_t iova;
	uint64_t length;
	uint64_t page_size;
	uint64_t bitmap[512];
};

static ssize_t report(struct report *r, uint64_t iova, uint64_t length,
		      uint64_t page_size, size_t room)
{
	memset(r, 0xff, sizeof(*r));
	r->iova = iova;
	r->length = length;
	r->page_size = page_size;
	return vuser_client_feature(client, GET | REPORT, r, 24, 24 + room);
}

TEST(log_report_has_the_written_pages_and_rejects_bad_ranges)
{
	const uint64_t page = DEVICE_LOG_PAGE;
	struct report r;

	setup(false, true);
	check_eq(report(&r, 0, page, page, 8), -EINVAL);
	check_eq(start(0, NULL, 16, NULL), 16);
	check_eq(report(&r, 4 * page, page, page, 8), 32);
	check_eq(r.iova, 4 * page);
	check_eq(r.length, page);
	check_eq(r.bitmap[0], 1);
	check_eq(dev->last_iova, 4 * page);
	/* 65 bits, the first 64 clear: the library zeroed the whole bitmap. */
	check_eq(report(&r, 0, 65 * page, page, sizeof(r.bitmap)), 40);
	check_eq(r.bitmap[0], 0);
	check_eq(r.bitmap[1], 1);
	/* One bit for two pages; the last bit covers one page. */
	check_eq(report(&r, page, 3 * page, 2 * page, 8), 32);
	check_eq(r.bitmap[0], 2);
	/* Up to the end of memory. */
	check_eq(report(&r, -page, page, page, 8), 32);

	dev->reports = 0;
	/* A report that does not fit must not clear the log. */
	check_eq(report(&r, 0, 65 * page, page, 8), -ENOSPC);
	check_eq(report(&r, 0, 65 * page, page, 15), -ENOSPC);
	/* The largest report of a message, and a larger one. */
	check_eq(report(&r, 0, 8 * 4096 * page, page, sizeof(r.bitmap)), 4120);
	check_eq(dev->reports, 1);
	check_eq(report(&r, 0, (8 * 4096 + 1) * page, page, sizeof(r.bitmap)),
		 -E2BIG);
	check_eq(report(&r, 0, -page, page, sizeof(r.bitmap)), -E2BIG);
	/* Invalid ranges and page sizes. */
	check_eq(report(&r, 0, 0, page, 8), -EINVAL);
	check_eq(report(&r, page / 2, page, page, 8), -EINVAL);
	check_eq(report(&r, 0, page / 2, page, 8), -EINVAL);
	check_eq(report(&r, 0, page, page / 2, 8), -EINVAL);
	check_eq(report(&r, 0, page, 3 * page, 8), -EINVAL);
	check_eq(report(&r, 0, page, 0, 8), -EINVAL);
	check_eq(report(&r, -page, 2 * page, page, 8), -EINVAL);
	check_eq(vuser_client_feature(client, GET | REPORT, &r, 23, 64),
		 -EINVAL);
	check_eq(dev->reports, 1);
	teardown();
}

/* The log of the library. */

#define FIRST 0x10000000
#define PAGE  4096

static struct vuser_server *logging_server(int *sock)
{
	static const struct vuser_server_ops ops = {
		.struct_size = sizeof(ops),
	};
	const struct vuser_server_config config = {
		.struct_size = sizeof(config),
		.dma_logging = true,
	};
	struct vuser_server *server;
	int fds[2];

	require(!vuser_server_new(&ops, &config, NULL, &server));
	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	require(!vuser_server_serve(server, fds[0]));
	*sock = fds[1];
	return server;
}

static void *serve_all(void *data)
{
	struct pollfd pfd = { .fd = vuser_server_fd(data), .events = POLLIN };

	do {
		poll(&pfd, 1, -1);
		vuser_server_process(data);
	} while (vuser_server_connected(data));
	return NULL;
}

/* The bits of the 64 pages from @iova on; @page is the size of one. */
static uint64_t written(uint64_t iova, uint64_t page)
{
	struct {
		struct vfio_user_log_report head;
		uint64_t bits;
	} got = { { iova, 64 * page, page }, 0 };

	check_eq(vuser_client_feature(client, GET | REPORT, &got,
				      sizeof(got.head), sizeof(got)),
		 sizeof(got));
	return got.bits;
}

static void start_logging(void)
{
	const struct vfio_user_log_control control = { .page_size = PAGE };
	struct vfio_user_log_control got = control;

	check_eq(vuser_client_feature(client, SET | START, &got, sizeof(got),
				      sizeof(got)),
		 sizeof(got));
	check_eq(got.page_size, PAGE);
}

TEST(library_logs_the_writes_of_a_device_without_a_log)
{
	int sock, fd = memfd_create("client", MFD_CLOEXEC);
	struct vuser_server *server = logging_server(&sock);
	struct vuser_dma_ref early, ref, other;
	struct iovec iov[2];
	struct vuser_dma_ref refs[2];
	pthread_t thread;
	char buf[PAGE * 2] = { 0 };

	require(fd >= 0 && !ftruncate(fd, 64 * PAGE));
	pthread_create(&thread, NULL, serve_all, server);
	require(!vuser_client_new_fd(sock, NULL, 20000, NULL, NULL, &client));
	check_eq(vuser_client_dma_map(client, FIRST, 32 * PAGE, 3, fd, 0), 0);
	check_eq(vuser_client_dma_map(client, FIRST + 32 * PAGE, 32 * PAGE, 3,
				      fd, 32 * PAGE),
		 0);
	/* Writes before the start are not logged, but this reference stays. */
	check_eq(vuser_dma_write(server, FIRST, buf, 1), 0);
	require(!vuser_dma_get(server, FIRST + 9 * PAGE, 1, PROT_WRITE,
			       &early));
	start_logging();
	check_eq(written(FIRST, PAGE), 1ULL << 9);

	/* A write over two pages; reads are not logged. */
	check_eq(vuser_dma_write(server, FIRST + 2 * PAGE - 1, buf, 2), 0);
	check_eq(vuser_dma_read(server, FIRST + 5 * PAGE, buf, 8), 0);
	check_eq(written(FIRST, PAGE), 1ULL << 9 | 3ULL << 1);
	/* A report removes the pages from the log. */
	check_eq(written(FIRST, PAGE), 1ULL << 9);
	vuser_dma_put(server, &early);
	check_eq(written(FIRST, PAGE), 1ULL << 9);
	check_eq(written(FIRST, PAGE), 0);

	/* Of two references with one pointer, one is for writing. */
	require(!vuser_dma_get(server, FIRST, PAGE, PROT_READ, &other));
	check_eq(written(FIRST, PAGE), 0);
	require(!vuser_dma_get(server, FIRST, 2 * PAGE, PROT_WRITE, &ref));
	check_eq(written(FIRST, PAGE), 3);
	vuser_dma_put(server, &ref);
	check_eq(written(FIRST, PAGE), 3);
	vuser_dma_put(server, &other);
	/* It is not known which one was released first. */
	check_eq(written(FIRST, PAGE), 3);
	check_eq(written(FIRST, PAGE), 0);

	/* A scatter list over both regions; the client uses larger pages. */
	check_eq(vuser_dma_sg_get(server, FIRST + 31 * PAGE, 2 * PAGE,
				  PROT_WRITE, refs, iov, 2),
		 2);
	vuser_dma_sg_put(server, refs, 2);
	check_eq(written(FIRST, 16 * PAGE), 1ULL << 1 | 1ULL << 2);

	/* Writes to a region that is unmapped meanwhile stay in the log. */
	check_eq(vuser_dma_write(server, FIRST + 63 * PAGE, buf, 1), 0);
	check_eq(vuser_client_dma_unmap(client, FIRST + 32 * PAGE, 32 * PAGE),
		 0);
	check_eq(written(FIRST, PAGE), 1ULL << 63);

	check_eq(vuser_dma_write(server, FIRST, buf, 1), 0);
	check_eq(vuser_client_feature(client, SET | END, NULL, 0, 8), 0);
	start_logging();
	check_eq(written(FIRST, PAGE), 0);
	vuser_client_free(client);
	pthread_join(thread, NULL);
	vuser_server_free(server);
	close(fd);
}
