// SPDX-License-Identifier: GPL-2.0
/*
 * Our back-end, which keeps track of what is in flight: killed at every step of
 * its work and started again, it loses nothing and does nothing twice as far
 * as a driver can see.
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

/* Start a back-end and connect to it. */
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

/* The back-end has died of itself, or ends when we hang up. */
static int reap(void)
{
	int status = -1;

	waitpid(child, &status, 0);
	return status;
}

static void begin(bool packed)
{
	struct vhost_backend_options opt = { .wanted = WANTED,
					     .timeout_ms = PATIENCE };

	memset(seeds, 0, sizeof(seeds));
	disk = memfd_create("disk", 0);
	require(!ftruncate(disk, BLOCKS * DRIVER_DATA));
	driver_init(&driver, packed);
	b = vhost_backend_new(&opt);
	require(b);
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

/* Every pending slot comes back once, and well; returns how many. */
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

static void works(bool packed, const char *option)
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
	/* More rounds than the ring has room for. */
	for (round = 1; round < 12; round++) {
		for (slot = 0; slot < DRIVER_SLOTS; slot++)
			write_block(slot, slot * 3 % BLOCKS,
				    round * 100 + slot);
		driver_kick(&driver);
		check_eq(collect(DRIVER_SLOTS), DRIVER_SLOTS);
	}
	check_disk();
	/* Stop and go on. */
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

TEST(split_ring)
{
	works(false, NULL);
}

TEST(packed_ring)
{
	works(true, NULL);
}

TEST(split_ring_backwards)
{
	works(false, "--backwards");
}

TEST(packed_ring_backwards)
{
	works(true, "--backwards");
}

TEST(without_tracking)
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

/* Some that were there before: rings and lists are not as new. */
static void warm_up(void)
{
	unsigned int slot;

	for (slot = 0; slot < 5; slot++)
		write_block(slot, 60 - slot, 1000 + slot);
	driver_kick(&driver);
	check_eq(collect(5), 5);
}

static void dies(bool packed, const char *point, const char *option)
{
	struct pollfd call = { -1, POLLIN, 0 };
	eventfd_t value;
	char crash[32];
	unsigned int slot;

	begin(packed);
	/* The second batch: the first one is the warming up. */
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
	/* The interrupt that the driver may never have got. */
	call.fd = driver.call;
	check_eq(poll(&call, 1, 0), 1);
	check_eq(collect(DRIVER_SLOTS), DRIVER_SLOTS);
	check_eq(nr_pending(), 0);
	check_disk();
	/* No more of them come, and new ones do. */
	for (slot = 0; slot < DRIVER_SLOTS; slot++)
		write_block(slot, slot * 3 + 1, 3000 + slot);
	driver_kick(&driver);
	check_eq(collect(DRIVER_SLOTS), DRIVER_SLOTS);
	check_disk();
	end();
}

static void dies_everywhere(bool packed, const char *option)
{
	static const char *const points[] = { "taken",	"half", "done",
					      "listed", "used", "cleared",
					      "told" };
	size_t i;

	for (i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		printf("# %s\n", points[i]);
		dies(packed, points[i], option);
	}
}

TEST(split_ring_dies)
{
	dies_everywhere(false, NULL);
}

TEST(packed_ring_dies)
{
	dies_everywhere(true, NULL);
}

TEST(split_ring_dies_backwards)
{
	dies_everywhere(false, "--backwards");
}

TEST(packed_ring_dies_backwards)
{
	dies_everywhere(true, "--backwards");
}

/* What the driver finds done without waiting. */
static void collect_ready(void)
{
	uint8_t status;
	int slot;

	while ((slot = driver_wait(&driver, 0, &status)) >= 0)
		check_eq(status, VIRTIO_BLK_S_OK);
	check_eq(slot, -ETIMEDOUT);
}

/* Again and again, while requests come in, each time elsewhere. */
static void dies_often(bool packed)
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
		/* It finds them as it starts, without a kick. */
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

TEST(split_ring_dies_often)
{
	dies_often(false);
}

TEST(packed_ring_dies_often)
{
	dies_often(true);
}

/* A ring outside of memory stops and says so, and no more than that. */
TEST(ring_outside_of_memory)
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
