// SPDX-License-Identifier: GPL-2.0
/*
 * vuser-vhost-blk, which tracks the requests in flight.  It is killed at each
 * step of its work and started again; the driver must see each request
 * completed exactly once.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../harness.h"
#include "driver.h"

#define P(name)	 VHOST_USER_PROTOCOL(name)
#define BLOCKS	 64
#define PATIENCE 20000
#define V1	 (1ULL << VIRTIO_F_VERSION_1)

#define WANTED                                                              \
	(P(MQ) | P(REPLY_ACK) | P(CONFIG) | P(INFLIGHT_SHMFD) | P(STATUS) | \
	 P(CONFIGURE_MEM_SLOTS) | P(RESET_DEVICE))

static int disk;
static pid_t child;
static struct vhost_backend *b;
static struct driver driver;
static struct vhost_user_inflight inflight;
static int inflight_fd;
static uint32_t seeds[BLOCKS];

static void check_disk(void)
{
	uint8_t buf[DRIVER_DATA], want[DRIVER_DATA];
	uint32_t i;

	for (i = 0; i < BLOCKS; i++) {
		check_eq(pread(disk, buf, sizeof(buf), i * DRIVER_DATA),
			 sizeof(buf));
		memset(want, 0, sizeof(want));
		if (seeds[i])
			driver_fill(want, seeds[i]);
		check(!memcmp(buf, want, sizeof(want)));
	}
}

static void run_back_end(int sock, const char *const *options)
{
	char file[64], fd[32], self[4096];
	const char *argv[8] = { "vuser-vhost-blk", file, fd };
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 32);
	int i;

	self[len < 0 ? 0 : len] = '\0';
	strcpy(strrchr(self, '/') + 1, "vuser-vhost-blk");
	snprintf(file, sizeof(file), "--blk-file=/proc/self/fd/%d", disk);
	snprintf(fd, sizeof(fd), "--fd=%d", sock);
	for (i = 0; i < 4 && options[i]; i++)
		argv[3 + i] = options[i];
	execv(self, (char **)argv);
	_exit(127);
}

/* Start a back end and connect to it. */
static void start(const char *option, const char *other)
{
	const char *const options[] = { option ?: other, option ? other : NULL,
					NULL };
	int pair[2];

	require(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	fcntl(pair[1], F_SETFD, FD_CLOEXEC);
	child = fork();
	if (!child)
		run_back_end(pair[0], options);
	close(pair[0]);
	require(child > 0);
	if (vhost_backend_connect_fd(b, pair[1])) {
		printf("# %s\n", vhost_backend_error(b));
		require(!"connected");
	}
}

/* Wait for the back end, which was killed or exits after we disconnect. */
static int reap(void)
{
	int status = -1;

	waitpid(child, &status, 0);
	return status;
}

static void begin(bool packed)
{
	struct vhost_backend_options opt = {
		.struct_size = sizeof(opt),
		.wanted = WANTED,
		.timeout_ms = PATIENCE,
	};

	memset(seeds, 0, sizeof(seeds));
	disk = memfd_create("disk", 0);
	require(!ftruncate(disk, BLOCKS * DRIVER_DATA));
	driver_init(&driver, packed);
	require(!vhost_backend_new(&opt, &b));
	inflight_fd = -1;
}

static void end(void)
{
	vhost_backend_free(b);
	check_eq(reap(), 0);
	driver_free(&driver);
	close(disk);
	if (inflight_fd >= 0)
		close(inflight_fd);
}

static void get_inflight(void)
{
	inflight.num_queues = 1;
	inflight.queue_size = DRIVER_NUM;
	require(!vhost_backend_get_inflight_fd(b, &inflight, &inflight_fd));
}

static void write_block(unsigned int slot, uint32_t block, uint32_t seed)
{
	seeds[block] = seed;
	driver_fill(driver_data(&driver, slot), seed);
	driver_submit(&driver, slot, VIRTIO_BLK_T_OUT,
		      (uint64_t)block * DRIVER_DATA / 512);
}

/*
 * Wait for @nr pending slots to complete without an error; return their number.
 */
static unsigned int collect(unsigned int nr)
{
	unsigned int done;
	uint8_t status = 0xff;
	int slot;

	for (done = 0; done < nr; done++) {
		slot = driver_wait(&driver, PATIENCE, &status);
		check(slot >= 0);
		if (slot < 0)
			break;
		check_eq(status, VIRTIO_BLK_S_OK);
	}
	return done;
}

static unsigned int nr_pending(void)
{
	unsigned int i, nr = 0;

	for (i = 0; i < DRIVER_SLOTS; i++)
		nr += driver.pending[i];
	return nr;
}

static void complete_requests(bool packed, const char *option)
{
	struct virtio_blk_config config;
	unsigned int slot, round;
	uint32_t base;

	begin(packed);
	start(option, NULL);
	check_eq(vhost_backend_get_config(b, 0, &config, sizeof(config)), 0);
	check_eq(config.capacity, BLOCKS * DRIVER_DATA / 512);
	get_inflight();
	require(!driver_start(&driver, b, V1));
	/* More rounds than the ring has entries for. */
	for (round = 1; round < 12; round++) {
		for (slot = 0; slot < DRIVER_SLOTS; slot++)
			write_block(slot, slot * 3 % BLOCKS,
				    round * 100 + slot);
		driver_kick(&driver);
		check_eq(collect(DRIVER_SLOTS), DRIVER_SLOTS);
	}
	check_disk();
	/* Stop and continue. */
	check_eq(vhost_backend_get_vring_base(b, 0, &base), 0);
	require(!driver_start_ring(&driver, b, base));
	driver_submit(&driver, 0, VIRTIO_BLK_T_IN, 3 * DRIVER_DATA / 512);
	driver_kick(&driver);
	check_eq(collect(1), 1);
	driver_fill(driver_data(&driver, 1), seeds[3]);
	check(!memcmp(driver_data(&driver, 0), driver_data(&driver, 1),
		      DRIVER_DATA));
	end();
}

TEST(split_ring_completes_all_requests)
{
	complete_requests(false, NULL);
}

TEST(packed_ring_completes_all_requests)
{
	complete_requests(true, NULL);
}

TEST(split_ring_completes_all_requests_in_reverse_order)
{
	complete_requests(false, "--backwards");
}

TEST(packed_ring_completes_all_requests_in_reverse_order)
{
	complete_requests(true, "--backwards");
}

TEST(back_end_without_tracking_completes_requests)
{
	begin(false);
	start("--no-inflight", NULL);
	check(!vhost_backend_has(b, P(INFLIGHT_SHMFD)));
	require(!driver_start(&driver, b, V1));
	write_block(1, 1, 7);
	driver_kick(&driver);
	check_eq(collect(1), 1);
	check_disk();
	end();
}

static void wait_for_end(void)
{
	struct pollfd pfd = { vhost_backend_fd(b), POLLIN, 0 };

	check_eq(poll(&pfd, 1, PATIENCE), 1);
	check_eq(vhost_backend_process(b), -ECONNRESET);
	check_eq(reap(), SIGKILL);
}

/* Complete some requests first, so that the ring and the lists are not new. */
static void warm_up(void)
{
	unsigned int slot;

	for (slot = 0; slot < 5; slot++)
		write_block(slot, 60 - slot, 1000 + slot);
	driver_kick(&driver);
	check_eq(collect(5), 5);
}

static void crash_once(bool packed, const char *point, const char *option)
{
	struct pollfd call = { -1, POLLIN, 0 };
	eventfd_t value;
	char crash[32];
	unsigned int slot;

	begin(packed);
	/* Crash in the second batch; warm_up() is the first. */
	snprintf(crash, sizeof(crash), "--crash=%s:2", point);
	start(crash, option);
	get_inflight();
	require(!driver_start(&driver, b, V1));
	warm_up();
	for (slot = 0; slot < DRIVER_SLOTS; slot++)
		write_block(slot, slot * 3, 2000 + slot);
	driver_kick(&driver);
	wait_for_end();
	check_eq(nr_pending(), DRIVER_SLOTS);
	eventfd_read(driver.call, &value);
	start(NULL, option);
	require(!vhost_backend_set_inflight_fd(b, &inflight, inflight_fd));
	require(!driver_start(&driver, b, V1));
	/*
	 * The interrupt, which the driver may not have received before the
	 * crash.
	 */
	call.fd = driver.call;
	check_eq(poll(&call, 1, 0), 1);
	check_eq(collect(DRIVER_SLOTS), DRIVER_SLOTS);
	check_eq(nr_pending(), 0);
	check_disk();
	/* No more completions arrive, and new requests complete. */
	for (slot = 0; slot < DRIVER_SLOTS; slot++)
		write_block(slot, slot * 3 + 1, 3000 + slot);
	driver_kick(&driver);
	check_eq(collect(DRIVER_SLOTS), DRIVER_SLOTS);
	check_disk();
	end();
}

static void crash_at_each_point(bool packed, const char *option)
{
	static const char *const points[] = { "taken",	  "half", "done",
					      "listed",	  "used", "cleared",
					      "committed" };
	size_t i;

	for (i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		printf("# %s\n", points[i]);
		crash_once(packed, points[i], option);
	}
}

TEST(split_ring_loses_no_request_at_any_crash_point)
{
	crash_at_each_point(false, NULL);
}

TEST(packed_ring_loses_no_request_at_any_crash_point)
{
	crash_at_each_point(true, NULL);
}

TEST(split_ring_in_reverse_order_loses_no_request_at_any_crash_point)
{
	crash_at_each_point(false, "--backwards");
}

TEST(packed_ring_in_reverse_order_loses_no_request_at_any_crash_point)
{
	crash_at_each_point(true, "--backwards");
}

/* Take all completed requests without waiting. */
static void collect_ready(void)
{
	uint8_t status;
	int slot;

	while ((slot = driver_wait(&driver, 0, &status)) >= 0)
		check_eq(status, VIRTIO_BLK_S_OK);
	check_eq(slot, -ETIMEDOUT);
}

/* Crash repeatedly at different steps, with new requests in between. */
static void crash_repeatedly(bool packed)
{
	static const char *const crash[] = { "--crash=listed", "--crash=used",
					     "--crash=half", "--crash=cleared",
					     "--crash=taken" };
	unsigned int round, slot;

	begin(packed);
	start(NULL, NULL);
	get_inflight();
	require(!driver_start(&driver, b, V1));
	warm_up();
	vhost_backend_disconnect(b);
	check_eq(reap(), 0);
	for (round = 0; round < 15; round++) {
		for (slot = round % 3; slot < DRIVER_SLOTS; slot += 3)
			if (!driver.pending[slot])
				write_block(slot, slot * 3 + round % 3,
					    10000 + round * 100 + slot);
		start(crash[round % 5], round % 2 ? "--backwards" : NULL);
		require(!vhost_backend_set_inflight_fd(b, &inflight,
						       inflight_fd));
		/*
		 * The back end finds the requests when it starts, without a
		 * kick.
		 */
		check_eq(driver_start(&driver, b, V1), -ECONNRESET);
		check_eq(reap(), SIGKILL);
		collect_ready();
	}
	start(NULL, NULL);
	require(!vhost_backend_set_inflight_fd(b, &inflight, inflight_fd));
	require(!driver_start(&driver, b, V1));
	slot = nr_pending();
	check(slot > 0);
	check_eq(collect(slot), slot);
	check_disk();
	end();
}

TEST(split_ring_loses_no_request_in_repeated_crashes)
{
	crash_repeatedly(false);
}

TEST(packed_ring_loses_no_request_in_repeated_crashes)
{
	crash_repeatedly(true);
}

/* The ring stops and signals its error eventfd; the connection stays. */
TEST(ring_outside_of_memory_stops_with_an_error)
{
	struct vhost_vring_addr addr = { .desc_user_addr = 0x10,
					 .avail_user_addr = 0x20,
					 .used_user_addr = 0x30 };
	struct pollfd pfd = { eventfd(0, EFD_CLOEXEC), POLLIN, 0 };

	begin(false);
	start(NULL, NULL);
	require(!driver_start(&driver, b, V1));
	check_eq(vhost_backend_set_vring_err(b, 0, pfd.fd), 0);
	check_eq(vhost_backend_set_vring_addr(b, &addr), 0);
	write_block(0, 0, 1);
	driver_kick(&driver);
	check_eq(poll(&pfd, 1, PATIENCE), 1);
	check_eq(vhost_backend_process(b), 0);
	check_eq(nr_pending(), 1);
	seeds[0] = 0;
	check_disk();
	close(pfd.fd);
	end();
}
