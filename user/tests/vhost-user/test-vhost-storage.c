// SPDX-License-Identifier: GPL-2.0
/* The front end with a back end of another project: qemu-storage-daemon. */
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../harness.h"
#include "driver.h"

#define P(name)	 VHOST_USER_PROTOCOL(name)
#define SECTORS	 2048
#define QUEUES	 2
#define PATIENCE 20000

static char dir[] = "/tmp/test-vhost-XXXXXX";
static char disk[64], sock[64], pidfile[64];
static pid_t daemon_pid;
static struct vhost_backend *b;
static struct driver driver;
static int lost_why = 1;

static void make_disk(void)
{
	uint8_t buf[DRIVER_DATA];
	uint32_t i;
	int fd = open(disk, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	require(fd >= 0);
	for (i = 0; i < SECTORS * 512 / DRIVER_DATA; i++) {
		driver_fill(buf, i);
		require(write(fd, buf, sizeof(buf)) == sizeof(buf));
	}
	close(fd);
}

/* Return whether a block of the file has this content. */
static bool disk_has(uint32_t block, uint32_t seed)
{
	uint8_t buf[DRIVER_DATA], want[DRIVER_DATA];
	int fd = open(disk, O_RDONLY | O_CLOEXEC);
	ssize_t got = pread(fd, buf, sizeof(buf), block * DRIVER_DATA);

	close(fd);
	driver_fill(want, seed);
	return got == sizeof(buf) && !memcmp(buf, want, sizeof(buf));
}

static void read_pid(void)
{
	FILE *f = fopen(pidfile, "re");

	require(f);
	require(fscanf(f, "%d", &daemon_pid) == 1);
	fclose(f);
}

/* The daemon is ready when the started process exits. */
static void start_daemon(void)
{
	char blockdev[160], export[192];
	int status = -1;
	pid_t pid;

	snprintf(blockdev, sizeof(blockdev),
		 "driver=file,node-name=disk,filename=%s,cache.direct=off",
		 disk);
	snprintf(export, sizeof(export),
		 "type=vhost-user-blk,id=e,node-name=disk,writable=on,"
		 "num-queues=%d,addr.type=unix,addr.path=%s",
		 QUEUES, sock);
	unlink(sock);
	pid = fork();
	if (!pid) {
		/* The daemon's stdout would keep ours open. */
		dup2(open("/dev/null", O_RDWR), STDOUT_FILENO);
		execlp("qemu-storage-daemon", "qemu-storage-daemon",
		       "--blockdev", blockdev, "--export", export, "--pidfile",
		       pidfile, "--daemonize", NULL);
		_exit(127);
	}
	require(pid > 0);
	require(waitpid(pid, &status, 0) == pid);
	require(WIFEXITED(status) && !WEXITSTATUS(status));
	read_pid();
}

static void on_lost(void *data, int why)
{
	(void)data;
	lost_why = why;
}

static const struct vhost_backend_ops ops = {
	.struct_size = sizeof(ops),
	.lost = on_lost,
};

static void start(uint64_t wanted)
{
	const struct vhost_backend_options opt = {
		.struct_size = sizeof(opt),
		.wanted = wanted,
		.timeout_ms = PATIENCE,
		.ops = &ops,
	};

	require(mkdtemp(dir));
	snprintf(disk, sizeof(disk), "%s/disk", dir);
	snprintf(sock, sizeof(sock), "%s/sock", dir);
	snprintf(pidfile, sizeof(pidfile), "%s/pid", dir);
	make_disk();
	start_daemon();
	require(!vhost_backend_new(&opt, &b));
	check_eq(vhost_backend_connect(b, sock), 0);
	if (vhost_backend_error(b)[0])
		printf("# %s\n", vhost_backend_error(b));
}

/*
 * The daemon is not our child, so the test waits for the end of the connection
 * only.
 */
static void stop(void)
{
	vhost_backend_free(b);
	b = NULL;
	kill(daemon_pid, SIGKILL);
	unlink(disk);
	unlink(sock);
	unlink(pidfile);
	rmdir(dir);
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
}

/* The features that vuser-vhost uses. */
#define USABLE                                                              \
	(P(MQ) | P(LOG_SHMFD) | P(REPLY_ACK) | P(BACKEND_REQ) | P(CONFIG) | \
	 P(BACKEND_SEND_FD) | P(INFLIGHT_SHMFD) | P(RESET_DEVICE) |         \
	 P(CONFIGURE_MEM_SLOTS) | P(STATUS) | P(DEVICE_STATE))

TEST(front_end_negotiates_with_qemu_storage_daemon)
{
	start(USABLE);
	check(vhost_backend_features(b) & 1ULL << VIRTIO_F_VERSION_1);
	check(vhost_backend_features(b) & 1ULL << VIRTIO_BLK_F_MQ);
	check(vhost_backend_has(b, P(MQ) | P(REPLY_ACK) | P(BACKEND_REQ) |
					   P(CONFIG)));
	check(!vhost_backend_has(b, P(INFLIGHT_SHMFD)));
	check(vhost_backend_queues(b) >= QUEUES);
	check(vhost_backend_mem_slots(b) >= VHOST_USER_MAX_REGIONS);
	check(vhost_backend_req_fd(b) >= 0);
	check_eq(vhost_backend_process(b), 0);
	stop();
}

TEST(config_is_read_up_to_its_size)
{
	struct virtio_blk_config config;
	uint8_t buf[256];

	start(USABLE);
	memset(&config, 0, sizeof(config));
	check_eq(vhost_backend_get_config(b, 0, &config,
					  offsetof(struct virtio_blk_config,
						   max_discard_sectors)),
		 0);
	check_eq(config.capacity, SECTORS);
	check_eq(config.num_queues, QUEUES);
	/*
	 * A read beyond the config is refused and does not end the connection.
	 */
	check_eq(vhost_backend_get_config(b, 0, buf, sizeof(buf)), -EREMOTEIO);
	check(vhost_backend_connected(b));
	stop();
}

static void submit_and_wait(unsigned int slot, uint32_t type, uint32_t block)
{
	uint8_t status = 0xff;

	driver_submit(&driver, slot, type, (uint64_t)block * DRIVER_DATA / 512);
	driver_kick(&driver);
	check_eq(driver_wait(&driver, PATIENCE, &status), (int)slot);
	check_eq(status, VIRTIO_BLK_S_OK);
}

static bool slot_has(unsigned int slot, uint32_t seed)
{
	uint8_t want[DRIVER_DATA];

	driver_fill(want, seed);
	return !memcmp(driver_data(&driver, slot), want, sizeof(want));
}

static void use_disk(void)
{
	unsigned int slot, done;
	uint8_t status;

	/* Submit all slots at once; they may complete in any order. */
	for (slot = 0; slot < DRIVER_SLOTS; slot++)
		driver_submit(&driver, slot, VIRTIO_BLK_T_IN,
			      (uint64_t)slot * 3 * DRIVER_DATA / 512);
	driver_kick(&driver);
	for (done = 0; done < DRIVER_SLOTS; done++) {
		check(driver_wait(&driver, PATIENCE, &status) >= 0);
		check_eq(status, VIRTIO_BLK_S_OK);
	}
	for (slot = 0; slot < DRIVER_SLOTS; slot++)
		check(slot_has(slot, slot * 3));
	driver_fill(driver_data(&driver, 5), 12345);
	submit_and_wait(5, VIRTIO_BLK_T_OUT, 7);
	check(disk_has(7, 12345));
	memset(driver_data(&driver, 6), 0, DRIVER_DATA);
	submit_and_wait(6, VIRTIO_BLK_T_IN, 7);
	check(slot_has(6, 12345));
}

/* The test sets up the ring, and the back end transfers the blocks. */
static void read_and_write(uint64_t wanted)
{
	uint32_t base = 0;

	start(wanted);
	driver_init(&driver, false);
	require(!driver_start(&driver, b, 1ULL << VIRTIO_F_VERSION_1));
	use_disk();
	/* The ring stops, returns its position, and continues there. */
	check_eq(vhost_backend_get_vring_base(b, 0, &base), 0);
	check_eq(base, DRIVER_SLOTS + 2);
	require(!driver_start_ring(&driver, b, base));
	submit_and_wait(1, VIRTIO_BLK_T_IN, 9);
	check(slot_has(1, 9));
	driver_free(&driver);
	stop();
}

TEST(blocks_are_transferred_with_a_memory_table)
{
	read_and_write(USABLE & ~P(CONFIGURE_MEM_SLOTS));
}

TEST(blocks_are_transferred_with_memory_slots)
{
	read_and_write(USABLE);
}

/* No acknowledgements, and only the original requests of the protocol. */
TEST(blocks_are_transferred_without_protocol_features)
{
	read_and_write(0);
}

static bool is_dirty(const uint8_t *log, uint64_t addr)
{
	return log[addr / 4096 / 8] & 1 << addr / 4096 % 8;
}

/* The log has exactly the pages that the device writes. */
TEST(dirty_log_has_the_pages_the_device_writes)
{
	const size_t size = driver_guest(DRIVER_SLOTS) / 4096 / 8 + 1;
	int fd = memfd_create("log", MFD_CLOEXEC);
	uint8_t *log;

	require(!ftruncate(fd, size));
	log = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	require(log != MAP_FAILED);
	start(USABLE);
	driver_init(&driver, false);
	check_eq(vhost_backend_set_log_base(b, size, 0, fd), 0);
	require(!driver_start(&driver, b,
			      1ULL << VIRTIO_F_VERSION_1 |
				      1ULL << VHOST_F_LOG_ALL));
	submit_and_wait(2, VIRTIO_BLK_T_IN, 3);
	submit_and_wait(9, VIRTIO_BLK_T_OUT, 4);
	check(is_dirty(log, driver_guest(2)));
	check(!is_dirty(log, driver_guest(3)));
	check(!is_dirty(log, driver_guest(9)));
	driver_free(&driver);
	stop();
	munmap(log, size);
	close(fd);
}

TEST(killed_daemon_ends_the_connection_and_a_new_one_serves)
{
	struct pollfd pfd;

	start(USABLE);
	lost_why = 1;
	kill(daemon_pid, SIGKILL);
	pfd = (struct pollfd) { vhost_backend_fd(b), POLLIN, 0 };
	check_eq(poll(&pfd, 1, PATIENCE), 1);
	check_eq(vhost_backend_process(b), -ECONNRESET);
	check_eq(lost_why, -ECONNRESET);
	check(!vhost_backend_connected(b));
	check_eq(vhost_backend_set_vring_num(b, 0, 128), -ENOTCONN);
	/* The same struct vhost_backend connects to the next daemon. */
	start_daemon();
	check_eq(vhost_backend_connect(b, sock), 0);
	driver_init(&driver, false);
	require(!driver_start(&driver, b, 1ULL << VIRTIO_F_VERSION_1));
	use_disk();
	driver_free(&driver);
	stop();
}
