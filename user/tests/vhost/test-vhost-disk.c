// SPDX-License-Identifier: GPL-2.0
/*
 * Migration and the log of writes of disks. vuser-vhost is between the tests' own
 * driver and a back end: vuser-vhost-blk or qemu-storage-daemon.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../devices/vhost/virtio.h"
#include "peers.h"
#include "../harness.h"
#include "../tap.h"
#include "../vhost-user/driver.h"

#define BLOCKS	 64
#define PATIENCE 20000
#define PAGE	 4096

/* Pages of the driver's memory, as bits of a report. */
#define BIT_AT(offset) (UINT64_C(1) << (offset) / PAGE)
#define BIT_OF_SLOT(slot) \
	(UINT64_C(1) << (driver_guest(slot) - DRIVER_GUEST) / PAGE)

static const uint64_t ring[3] = {
	DRIVER_GUEST + DRIVER_DESC,
	DRIVER_GUEST + DRIVER_AVAIL,
	DRIVER_GUEST + DRIVER_USED,
};

static struct driver driver;
static uint8_t stream[1 << 20];

static void begin(bool packed)
{
	uint8_t buf[DRIVER_DATA];
	uint32_t i;
	int fd;

	peers_begin();
	driver_init(&driver, packed);
	fd = open(peers_path("disk"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	require(fd >= 0);
	for (i = 0; i < BLOCKS; i++) {
		driver_fill(buf, i);
		require(write(fd, buf, sizeof(buf)) == sizeof(buf));
	}
	close(fd);
}

static void end(void)
{
	driver_free(&driver);
	peers_end();
}

static bool slot_has(unsigned int slot, uint32_t seed)
{
	uint8_t want[DRIVER_DATA];

	driver_fill(want, seed);
	return !memcmp(driver_data(&driver, slot), want, sizeof(want));
}

static void submit(unsigned int slot, uint32_t type, uint32_t block)
{
	driver_submit(&driver, slot, type, (uint64_t)block * DRIVER_DATA / 512);
}

static void wait_for(unsigned int nr)
{
	uint8_t status;

	while (nr--) {
		status = 0xff;
		require(driver_wait(&driver, PATIENCE, &status) >= 0);
		check_eq(status, VIRTIO_BLK_S_OK);
	}
}

static void read_block(struct chain *c, unsigned int slot, uint32_t block,
		       uint32_t seed)
{
	submit(slot, VIRTIO_BLK_T_IN, block);
	chain_kick(c, 0);
	wait_for(1);
	check(slot_has(slot, seed));
}

static void write_block(struct chain *c, unsigned int slot, uint32_t block,
			uint32_t seed)
{
	driver_fill(driver_data(&driver, slot), seed);
	submit(slot, VIRTIO_BLK_T_OUT, block);
	chain_kick(c, 0);
	wait_for(1);
}

static void connect_driver(struct chain *c)
{
	chain_map(c, DRIVER_GUEST, DRIVER_SIZE, driver.fd);
	chain_irq(c, 1, driver.call);
	chain_drive(c, driver.packed ? VIRTIO_BIT(VIRTIO_F_RING_PACKED) : 0, 0,
		    DRIVER_NUM, ring);
}

/* Reset the device, and start again with an empty split ring. */
static void reset_driver(struct chain *c)
{
	memset(driver.mem, 0, DRIVER_SIZE);
	driver.avail = driver.used = 0;
	chain_drive(c, 0, 0, DRIVER_NUM, ring);
}

/* Start vuser-vhost-blk; several of them may use the same file. */
static pid_t start_ours(const char *name)
{
	char file[96], sock[96];
	const char *const argv[] = { "vuser-vhost-blk", file, sock, NULL };

	snprintf(file, sizeof(file), "--blk-file=%s", peers_path("disk"));
	snprintf(sock, sizeof(sock), "--socket-path=%s", peers_path(name));
	return peers_run(argv);
}

/* Kill a back end that this test started, and wait for its end. */
static void kill_ours(pid_t back)
{
	kill(back, SIGKILL);
	waitpid(back, NULL, 0);
}

/* Move the state of @from, which runs, to @to, which runs then. */
static void migrate(struct chain *from, struct chain *to)
{
	size_t len;

	check_eq(chain_go(from, VFIO_DEVICE_STATE_STOP_COPY), 0);
	len = chain_save(from, stream, sizeof(stream));
	check_eq(chain_go(to, VFIO_DEVICE_STATE_RESUMING), 0);
	check_eq(chain_load(to, stream, len), 0);
	check_eq(chain_go(to, VFIO_DEVICE_STATE_RUNNING), 0);
}

/* Migrate from one back end to another with requests in flight. */
static void migrate_ours(bool packed)
{
	pid_t first, second;
	struct chain a, b;
	unsigned int slot;

	begin(packed);
	first = start_ours("first");
	second = start_ours("second");
	chain_start(&a, "blk", peers_path("first"), "a");
	chain_start(&b, "blk", peers_path("second"), "b");
	connect_driver(&a);
	/* Enough requests for a packed ring to wrap. */
	for (slot = 0; slot < 40; slot++)
		read_block(&a, slot % DRIVER_SLOTS, slot, slot);
	write_block(&a, 0, 7, 4711);
	for (slot = 0; slot < DRIVER_SLOTS; slot++)
		submit(slot, VIRTIO_BLK_T_IN, slot);
	chain_kick(&a, 0);
	chain_map(&b, DRIVER_GUEST, DRIVER_SIZE, driver.fd);
	migrate(&a, &b);
	chain_irq(&b, 1, driver.call);
	/* Each request completes once, in either back end. */
	wait_for(DRIVER_SLOTS);
	for (slot = 0; slot < DRIVER_SLOTS; slot++)
		check(slot_has(slot, slot == 7 ? 4711 : slot));
	/* The first device is no longer needed. */
	chain_end(&a);
	kill_ours(first);
	for (slot = 0; slot < 40; slot++)
		read_block(&b, slot % DRIVER_SLOTS, slot,
			   slot == 7 ? 4711 : slot);
	write_block(&b, 3, 9, 815);
	read_block(&b, 4, 9, 815);
	chain_end(&b);
	kill_ours(second);
	end();
}

TEST(split_ring_migrates_between_our_back_ends_with_requests_in_flight)
{
	migrate_ours(false);
}

TEST(packed_ring_migrates_between_our_back_ends_with_requests_in_flight)
{
	migrate_ours(true);
}

/* vuser-vhost with a state file. */

static void start_kept(struct chain *c)
{
	const char *const argv[] = {
		"vuser-vhost",
		"--device",
		"blk",
		"--back-end",
		peers_path("back"),
		"--socket",
		peers_path("kept"),
		"--state",
		peers_path("state"),
		NULL,
	};

	c->pid = peers_run(argv);
	chain_connect(c, "kept");
}

/* The client gives the new process what the kernel would give to it. */
static void start_again(struct chain *c)
{
	start_kept(c);
	chain_map(c, DRIVER_GUEST, DRIVER_SIZE, driver.fd);
	chain_irq(c, 1, driver.call);
	check_eq(chain_read(c, VIRTIO_PCI_COMMON_STATUS, 1), 0xf);
}

static void kill_kept(struct chain *c)
{
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
	vuser_client_free(c->client);
}

static void end_kept(struct chain *c)
{
	chain_end(c);
	unlink(peers_path("state"));
	unlink(peers_path("state.inflight"));
}

/* Kill vuser-vhost with requests in flight, again and again. */
static void kill_under_load(struct chain *c)
{
	unsigned int i, slot, block = 0;

	start_kept(c);
	connect_driver(c);
	for (i = 0; i < 20; i++) {
		for (slot = 0; slot < DRIVER_SLOTS; slot++)
			submit(slot, VIRTIO_BLK_T_IN, (block + slot) % BLOCKS);
		/* The kick may be lost with the process. */
		chain_kick(c, 0);
		kill_kept(c);
		start_again(c);
		wait_for(DRIVER_SLOTS);
		for (slot = 0; slot < DRIVER_SLOTS; slot++)
			check(slot_has(slot, (block + slot) % BLOCKS));
		block += DRIVER_SLOTS;
	}
	/* Each request has completed once. */
	write_block(c, 3, 9, 815);
	read_block(c, 4, 9, 815);
}

static void kill_with_ours(bool packed)
{
	struct chain c;
	pid_t back;

	begin(packed);
	back = start_ours("back");
	kill_under_load(&c);
	end_kept(&c);
	kill_ours(back);
	end();
}

TEST(split_ring_goes_on_when_vuser_vhost_is_killed)
{
	kill_with_ours(false);
}

TEST(packed_ring_goes_on_when_vuser_vhost_is_killed)
{
	kill_with_ours(true);
}

/* The memory for requests in flight is in a file, which both have lost. */
TEST(ring_goes_on_when_vuser_vhost_and_the_back_end_are_killed)
{
	unsigned int slot;
	struct chain c;
	pid_t back;

	begin(true);
	back = start_ours("back");
	start_kept(&c);
	connect_driver(&c);
	for (slot = 0; slot < DRIVER_SLOTS; slot++)
		submit(slot, VIRTIO_BLK_T_IN, slot);
	chain_kick(&c, 0);
	kill(c.pid, SIGKILL);
	kill_ours(back);
	waitpid(c.pid, NULL, 0);
	vuser_client_free(c.client);
	back = start_ours("back");
	start_again(&c);
	wait_for(DRIVER_SLOTS);
	for (slot = 0; slot < DRIVER_SLOTS; slot++)
		check(slot_has(slot, slot));
	end_kept(&c);
	kill_ours(back);
	end();
}

TEST(ring_goes_on_when_vuser_vhost_is_ended_or_its_client_comes_back)
{
	struct chain c;
	pid_t back;

	begin(false);
	back = start_ours("back");
	start_kept(&c);
	connect_driver(&c);
	read_block(&c, 0, 1, 1);
	chain_end(&c);
	start_again(&c);
	read_block(&c, 0, 2, 2);
	vuser_client_free(c.client);
	chain_connect(&c, "kept");
	chain_map(&c, DRIVER_GUEST, DRIVER_SIZE, driver.fd);
	chain_irq(&c, 1, driver.call);
	check_eq(chain_read(&c, VIRTIO_PCI_COMMON_STATUS, 1), 0xf);
	read_block(&c, 0, 3, 3);
	check_eq(vuser_client_reset(c.client), 0);
	check_eq(chain_read(&c, VIRTIO_PCI_COMMON_STATUS, 1), 0);
	end_kept(&c);
	kill_ours(back);
	end();
}

TEST(registers_are_kept_before_the_driver_has_started)
{
	struct chain c;
	pid_t back;

	begin(false);
	back = start_ours("back");
	start_kept(&c);
	chain_write(&c, VIRTIO_PCI_COMMON_STATUS, 1, 3);
	chain_write(&c, VIRTIO_PCI_COMMON_MSIX, 2, 1);
	chain_write(&c, VIRTIO_PCI_COMMON_Q_SIZE, 2, 64);
	chain_write(&c, VIRTIO_PCI_COMMON_Q_DESCLO, 4, 0x12345000);
	kill_kept(&c);
	start_kept(&c);
	check_eq(chain_read(&c, VIRTIO_PCI_COMMON_STATUS, 1), 3);
	check_eq(chain_read(&c, VIRTIO_PCI_COMMON_MSIX, 2), 1);
	check_eq(chain_read(&c, VIRTIO_PCI_COMMON_Q_SIZE, 2), 64);
	check_eq(chain_read(&c, VIRTIO_PCI_COMMON_Q_DESCLO, 4), 0x12345000);
	end_kept(&c);
	kill_ours(back);
	end();
}

TEST(ring_that_was_migrated_goes_on_when_vuser_vhost_is_killed)
{
	pid_t first, back;
	unsigned int slot;
	struct chain a, b;

	begin(false);
	first = start_ours("first");
	back = start_ours("back");
	chain_start(&a, "blk", peers_path("first"), "a");
	start_kept(&b);
	connect_driver(&a);
	for (slot = 0; slot < DRIVER_SLOTS; slot++)
		submit(slot, VIRTIO_BLK_T_IN, slot);
	chain_kick(&a, 0);
	chain_map(&b, DRIVER_GUEST, DRIVER_SIZE, driver.fd);
	migrate(&a, &b);
	chain_irq(&b, 1, driver.call);
	wait_for(DRIVER_SLOTS);
	chain_end(&a);
	kill_ours(first);
	kill_kept(&b);
	start_again(&b);
	read_block(&b, 3, 9, 9);
	end_kept(&b);
	kill_ours(back);
	end();
}

/* Make a descriptor available that does not exist. */
static void submit_nonsense(struct chain *c)
{
	uint16_t *avail = (uint16_t *)(driver.mem + DRIVER_AVAIL);

	avail[2 + avail[1] % DRIVER_NUM] = UINT16_MAX;
	__atomic_store_n(&avail[1], avail[1] + 1, __ATOMIC_RELEASE);
	chain_kick(c, 0);
}

/* The back end signals the error eventfd of the ring. */
TEST(invalid_ring_sets_needs_reset_and_a_reset_recovers)
{
	struct pollfd pfd = { eventfd(0, EFD_CLOEXEC), POLLIN, 0 };
	struct chain c;
	pid_t back;

	begin(false);
	back = start_ours("back");
	chain_start(&c, "blk", peers_path("back"), "c");
	chain_irq(&c, 0, pfd.fd);
	connect_driver(&c);
	chain_write(&c, VIRTIO_PCI_COMMON_MSIX, 2, 0);
	read_block(&c, 1, 1, 1);
	submit_nonsense(&c);
	check_eq(poll(&pfd, 1, PATIENCE), 1);
	check_eq(chain_read(&c, VIRTIO_PCI_COMMON_STATUS, 1), 0x4f);
	reset_driver(&c);
	read_block(&c, 2, 3, 3);
	chain_end(&c);
	kill_ours(back);
	close(pfd.fd);
	end();
}

/* Two devices in one process must not affect each other. */
TEST(devices_in_one_process_do_not_affect_each_other)
{
	const char *argv[] = {
		"vuser-vhost", "--device",     "blk", "--back-end",
		NULL,	       "--socket",     NULL,  "--device",
		"id=2",	       "--back-end",   NULL,  "--socket",
		NULL,	       "--queue-size", "128", NULL,
	};
	struct driver other;
	struct chain a, b;
	pid_t backs[2];

	begin(false);
	argv[4] = peers_path("first");
	argv[6] = peers_path("a");
	argv[10] = peers_path("second");
	argv[12] = peers_path("b");
	backs[0] = start_ours("first");
	backs[1] = start_ours("second");
	a.pid = b.pid = peers_run(argv);
	chain_connect(&a, "a");
	chain_connect(&b, "b");
	check_eq(chain_read(&a, VIRTIO_PCI_COMMON_Q_SIZE, 2), 256);
	check_eq(chain_read(&b, VIRTIO_PCI_COMMON_Q_SIZE, 2), 128);
	connect_driver(&a);
	write_block(&a, 0, 7, 4711);
	other = driver;
	driver_init(&driver, false);
	connect_driver(&b);
	read_block(&b, 1, 7, 4711);
	/* Kill one back end, which its device notices... */
	kill_ours(backs[0]);
	while (chain_go(&a, VFIO_DEVICE_STATE_STOP) != -ENOTCONN)
		chain_go(&a, VFIO_DEVICE_STATE_RUNNING);
	read_block(&b, 2, 8, 8);
	/* ...and disconnect its client: the other device continues. */
	vuser_client_free(a.client);
	read_block(&b, 3, 9, 9);
	chain_connect(&a, "a");
	check_eq(chain_read(&a, VIRTIO_PCI_COMMON_STATUS, 1), 0);
	vuser_client_free(a.client);
	chain_end(&b);
	kill_ours(backs[1]);
	driver_free(&other);
	end();
}

#ifdef STORAGE_DAEMON

/* The daemon is ready when the started process exits. */
static pid_t start_qemu(const char *name)
{
	const char *pidfile = peers_path("pid");
	char blockdev[192], export[192];
	const char *const argv[] = {
		STORAGE_DAEMON, "--blockdev", blockdev,	     "--export", export,
		"--pidfile",	pidfile,      "--daemonize", NULL,
	};
	int status = -1, pid = -1;
	FILE *f;

	snprintf(blockdev, sizeof(blockdev),
		 "driver=file,node-name=disk,filename=%s,cache.direct=off,"
		 "locking=off",
		 peers_path("disk"));
	snprintf(export, sizeof(export),
		 "type=vhost-user-blk,id=e,node-name=disk,writable=on,"
		 "addr.type=unix,addr.path=%s",
		 peers_path(name));
	require(waitpid(peers_run(argv), &status, 0) > 0 && !status);
	f = fopen(pidfile, "re");
	require(f && fscanf(f, "%d", &pid) == 1);
	fclose(f);
	unlink(pidfile);
	return pid;
}

TEST(disk_migrates_between_qemu_storage_daemons_and_back)
{
	pid_t first, second;
	struct chain a, b;

	begin(false);
	first = start_qemu("first");
	second = start_qemu("second");
	chain_start(&a, "blk", peers_path("first"), "a");
	chain_start(&b, "blk", peers_path("second"), "b");
	connect_driver(&a);
	read_block(&a, 2, 5, 5);
	write_block(&a, 0, 7, 4711);
	chain_map(&b, DRIVER_GUEST, DRIVER_SIZE, driver.fd);
	migrate(&a, &b);
	chain_irq(&b, 1, driver.call);
	read_block(&b, 1, 7, 4711);
	read_block(&b, 2, 8, 8);
	/* Migrate back to the first device. */
	migrate(&b, &a);
	read_block(&a, 3, 9, 9);
	chain_end(&a);
	chain_end(&b);
	kill(first, SIGKILL);
	kill(second, SIGKILL);
	end();
}

/* This back end does not track requests, but completes them when its front end goes. */
TEST(ring_of_qemu_storage_daemon_goes_on_when_vuser_vhost_is_killed)
{
	struct chain c;
	pid_t daemon;

	begin(false);
	daemon = start_qemu("back");
	kill_under_load(&c);
	end_kept(&c);
	kill(daemon, SIGKILL);
	end();
}

/* Requests that a disk has lost would never complete. */
TEST(driver_must_reset_when_the_storage_daemon_was_started_again_too)
{
	struct chain c;
	pid_t daemon;

	begin(false);
	daemon = start_qemu("back");
	start_kept(&c);
	connect_driver(&c);
	read_block(&c, 1, 1, 1);
	kill_kept(&c);
	kill(daemon, SIGKILL);
	unlink(peers_path("back"));
	daemon = start_qemu("back");
	start_kept(&c);
	chain_map(&c, DRIVER_GUEST, DRIVER_SIZE, driver.fd);
	check_eq(chain_read(&c, VIRTIO_PCI_COMMON_STATUS, 1), 0x4f);
	chain_irq(&c, 1, driver.call);
	reset_driver(&c);
	read_block(&c, 2, 3, 3);
	end_kept(&c);
	kill(daemon, SIGKILL);
	end();
}

TEST(writes_of_qemu_storage_daemon_are_logged)
{
	const uint64_t used = BIT_AT(DRIVER_USED),
		       status = BIT_AT(DRIVER_STATUS);
	struct chain c;
	pid_t daemon;

	begin(false);
	daemon = start_qemu("back");
	chain_start(&c, "blk", peers_path("back"), "c");
	connect_driver(&c);
	read_block(&c, 1, 1, 1);
	check_eq(chain_log(&c, true), 0);
	/* The page of a used ring always counts as written. */
	check_eq(chain_report(&c, DRIVER_GUEST), used);
	read_block(&c, 3, 3, 3);
	read_block(&c, 5, 3, 3);
	check_eq(chain_report(&c, DRIVER_GUEST),
		 used | status | BIT_OF_SLOT(3) | BIT_OF_SLOT(5));
	check_eq(chain_report(&c, DRIVER_GUEST), used);
	/* A write to the disk only reads memory. */
	write_block(&c, 6, 3, 99);
	check_eq(chain_report(&c, DRIVER_GUEST), used | status);
	check_eq(chain_log(&c, false), 0);
	read_block(&c, 4, 4, 4);
	check_eq(chain_log(&c, true), 0);
	check_eq(chain_report(&c, DRIVER_GUEST), used);
	chain_end(&c);
	kill(daemon, SIGKILL);
	end();
}

#else

TEST(qemu_storage_daemon_is_not_installed)
{
	tap_ok(true,
	       "disk migrates between qemu-storage-daemons # SKIP it is not installed");
}

#endif
