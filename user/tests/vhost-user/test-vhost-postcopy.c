// SPDX-License-Identifier: GPL-2.0
/*
 * Postcopy with a back end of another project: net_vhost of dpdk-testpmd sends packets back
 * while the memory of the driver arrives page by page.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vhost-user/postcopy.h>

#include "../harness.h"

#define P(name)	 VHOST_USER_PROTOCOL(name)
#define PATIENCE 60000 /* ms */
#define PAGE	 4096
#define PAGES	 128
#define SIZE	 (PAGES * PAGE)
#define GUEST	 0x100000000ULL
#define USER	 0x7f0000000000ULL

/* Each ring has a page for each of its parts; each buffer has a page. */
#define RX	      0
#define TX	      1
#define ENTRIES	      32
#define DESC(ring)    ((ring) * 4)
#define AVAIL(ring)   ((ring) * 4 + 1)
#define USED(ring)    ((ring) * 4 + 2)
#define BUF(ring, i)  (16 + (ring) * ENTRIES + (i))
#define UNUSED	      (PAGES - 1)
#define PACKETS	      8
#define PACKET	      1000 /* bytes */
#define HEADER	      sizeof(struct virtio_net_hdr_mrg_rxbuf)
#define PART(m, page) ((void *)((m) + (page) * PAGE))

/**
 * struct migration - a device that runs before its memory has arrived
 * @source: the memory at the source
 * @memory: the memory at the destination, which has holes
 * @fd: memfd of @memory
 * @postcopy: faults of the back end
 * @reported: for each page, how often it was reported as missing
 * @arrived: eventfd, signalled for each page that was reported
 * @stop: eventfd that ends @thread
 * @kick: for each ring
 * @call: for each ring
 * @thread: places the pages that are reported
 * @result: of @thread
 */
static struct migration {
	uint8_t source[SIZE];
	uint8_t *memory;
	int fd;
	struct vhost_postcopy *postcopy;
	atomic_uint reported[PAGES];
	int arrived;
	int stop;
	int kick[2];
	int call[2];
	pthread_t thread;
	int result;
} mig;

static char dir[] = "/tmp/test-vhost-XXXXXX";
static char sock[64];
static pid_t testpmd;
static int testpmd_stdin;
static struct vhost_backend *b;

/* DPDK looks for the processors in sysfs, which a root for compilers does not have. */
static void need_sysfs(void)
{
	if (access("/sys/devices/system/cpu", F_OK) && !unshare(CLONE_NEWNS) &&
	    !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		mount("sysfs", "/sys", "sysfs", MS_RDONLY, NULL);
}

/*
 * Start dpdk-testpmd, which connects to us. It ends when its standard input ends. With
 * mlockall(2), it would fill all holes when it maps the memory.
 */
static void start_testpmd(void)
{
	char vdev[128], prefix[32];
	int input[2], log;

	require(!pipe2(input, O_CLOEXEC));
	snprintf(vdev, sizeof(vdev),
		 "net_vhost0,iface=%s,client=1,postcopy-support=1", sock);
	snprintf(prefix, sizeof(prefix), "postcopy%d", getpid());
	testpmd = fork();
	if (!testpmd) {
		need_sysfs();
		log = open("/dev/null", O_RDWR);
		dup2(input[0], STDIN_FILENO);
		dup2(log, STDOUT_FILENO);
		dup2(log, STDERR_FILENO);
		execlp("dpdk-testpmd", "dpdk-testpmd", "--no-huge", "-m", "64",
		       "--no-pci", "--no-telemetry", "--no-shconf",
		       "--file-prefix", prefix, "--lcores", "0@0,1@0", "--vdev",
		       vdev, "--", "--forward-mode=io",
		       "--total-num-mbufs=2048", "--no-flush-rx",
		       "--no-mlockall", NULL);
		_exit(127);
	}
	require(testpmd > 0);
	close(input[0]);
	testpmd_stdin = input[1];
}

static void connect_testpmd(void)
{
	const struct vhost_backend_options opt = {
		.struct_size = sizeof(opt),
		.wanted = P(REPLY_ACK),
		.required = P(PAGEFAULT),
		.timeout_ms = PATIENCE,
	};
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd pfd = { .fd = listener, .events = POLLIN };
	int ret;

	require(mkdtemp(dir));
	snprintf(sock, sizeof(sock), "%s/sock", dir);
	strcpy(addr.sun_path, sock);
	require(!bind(listener, (struct sockaddr *)&addr, sizeof(addr)));
	require(!listen(listener, 1));
	start_testpmd();
	require(poll(&pfd, 1, PATIENCE) == 1);
	require(!vhost_backend_new(&opt, &b));
	ret = vhost_backend_connect_fd(b, accept(listener, NULL, NULL));
	if (ret)
		printf("# %s\n", vhost_backend_error(b));
	require(!ret);
	close(listener);
}

static void end_testpmd(void)
{
	vhost_backend_free(b);
	close(testpmd_stdin);
	require(waitpid(testpmd, NULL, 0) == testpmd);
	unlink(sock);
	rmdir(dir);
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
}

/* A packet, for the address of testpmd's port. */
static void fill_packet(uint8_t *packet, unsigned int number)
{
	unsigned int i;

	for (i = 0; i < PACKET; i++)
		packet[i] = i * 7 + number * 31;
	packet[0] = 2;
	packet[6] = 2;
}

/* At the source, the driver has made buffers available in both rings. */
static void fill_ring(unsigned int ring, unsigned int buffers, uint32_t len,
		      uint16_t flags)
{
	struct vring_desc *desc = PART(mig.source, DESC(ring));
	struct vring_avail *avail = PART(mig.source, AVAIL(ring));
	unsigned int i;

	for (i = 0; i < buffers; i++) {
		desc[i].addr = GUEST + BUF(ring, i) * PAGE;
		desc[i].len = len;
		desc[i].flags = flags;
		avail->ring[i] = i;
	}
	avail->idx = buffers;
}

static void fill_source(void)
{
	unsigned int i;

	memset(mig.source, 0, sizeof(mig.source));
	fill_ring(RX, ENTRIES - 1, PAGE, VRING_DESC_F_WRITE);
	fill_ring(TX, PACKETS, HEADER + PACKET, 0);
	for (i = 0; i < PACKETS; i++)
		fill_packet(PART(mig.source, BUF(TX, i)) + HEADER, i);
}

static int send_page(void *data, uint32_t region, uint64_t offset,
		     uint64_t size)
{
	int ret;

	if (data != &mig || region || size != PAGE || offset % PAGE ||
	    offset >= SIZE)
		return -ERANGE;
	ret = vhost_postcopy_place(mig.postcopy, region, offset,
				   mig.source + offset, size);
	mig.reported[offset / PAGE]++;
	eventfd_write(mig.arrived, 1);
	return ret;
}

static const struct vhost_postcopy_ops ops = {
	.struct_size = sizeof(ops),
	.missing = send_page,
};

static void *send_pages(void *unused)
{
	struct pollfd fds[2] = {
		{ .fd = vhost_postcopy_fd(mig.postcopy), .events = POLLIN },
		{ .fd = mig.stop, .events = POLLIN },
	};

	(void)unused;
	while (!mig.result && poll(fds, 2, -1) > 0 && !fds[1].revents)
		mig.result = vhost_postcopy_process(mig.postcopy);
	return NULL;
}

/* Whether the destination has a page; this does not create the page. */
static bool is_there(unsigned int page)
{
	off_t offset = (off_t)page * PAGE;

	return lseek(mig.fd, offset, SEEK_DATA) == offset;
}

/* All pages are missing at the destination. */
static void make_destination(void)
{
	unsigned int i;

	mig.fd = memfd_create("guest", MFD_CLOEXEC);
	require(!ftruncate(mig.fd, SIZE));
	mig.memory = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, mig.fd, 0);
	require(mig.memory != MAP_FAILED);
	for (i = 0; i < 2; i++) {
		mig.kick[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		mig.call[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	}
	memset(mig.reported, 0, sizeof(mig.reported));
	mig.result = 0;
	mig.arrived = eventfd(0, EFD_CLOEXEC);
	mig.stop = eventfd(0, EFD_CLOEXEC);
}

static void begin_postcopy(void)
{
	const struct vhost_region memory = {
		.region = { .guest_addr = GUEST,
			    .user_addr = USER,
			    .size = SIZE },
		.fd = mig.fd,
	};

	require(!vhost_backend_set_features(b, 1ULL << VIRTIO_F_VERSION_1));
	require(!vhost_postcopy_new(b, &ops, &mig, &mig.postcopy));
	require(!vhost_postcopy_listen(mig.postcopy));
	require(!pthread_create(&mig.thread, NULL, send_pages, NULL));
	require(!vhost_postcopy_set_mem_table(mig.postcopy, &memory, 1));
}

static void start_ring(unsigned int ring)
{
	const struct vhost_vring_addr addr = {
		.index = ring,
		.desc_user_addr = USER + DESC(ring) * PAGE,
		.avail_user_addr = USER + AVAIL(ring) * PAGE,
		.used_user_addr = USER + USED(ring) * PAGE,
	};

	require(!vhost_backend_set_vring_num(b, ring, ENTRIES));
	require(!vhost_backend_set_vring_base(b, ring, 0));
	require(!vhost_backend_set_vring_addr(b, &addr));
	require(!vhost_backend_set_vring_call(b, ring, mig.call[ring]));
	require(!vhost_backend_set_vring_kick(b, ring, mig.kick[ring]));
	require(!vhost_backend_set_vring_enable(b, ring, true));
}

/* The pages that the back end must touch to send the packets back. */
static bool is_needed(unsigned int page)
{
	return page == DESC(RX) || page == AVAIL(RX) || page == USED(RX) ||
	       page == DESC(TX) || page == AVAIL(TX) || page == USED(TX) ||
	       (page >= BUF(RX, 0) && page < BUF(RX, PACKETS)) ||
	       (page >= BUF(TX, 0) && page < BUF(TX, PACKETS));
}

static bool all_reported(void)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		if (is_needed(i) && !mig.reported[i])
			return false;
	return true;
}

/* Wait until the back end has touched all pages that it needs; false after a time-out. */
static bool wait_for_faults(void)
{
	struct pollfd pfd = { .fd = mig.arrived, .events = POLLIN };
	eventfd_t count;

	while (!all_reported()) {
		if (poll(&pfd, 1, PATIENCE) <= 0)
			return false;
		eventfd_read(mig.arrived, &count);
	}
	return true;
}

/*
 * The pages that nothing has touched arrive, too. The pages that are there stay as they
 * are: the back end has written some of them.
 */
static void end_postcopy(void)
{
	check_eq(vhost_postcopy_place(mig.postcopy, 0, 0, mig.source, SIZE), 0);
	check_eq(vhost_postcopy_end(mig.postcopy), 0);
	eventfd_write(mig.stop, 1);
	pthread_join(mig.thread, NULL);
	check_eq(mig.result, 0);
	vhost_postcopy_free(mig.postcopy);
}

static void free_destination(void)
{
	unsigned int i;

	munmap(mig.memory, SIZE);
	close(mig.fd);
	for (i = 0; i < 2; i++) {
		close(mig.kick[i]);
		close(mig.call[i]);
	}
	close(mig.arrived);
	close(mig.stop);
}

static uint16_t used_of(unsigned int ring)
{
	const struct vring_used *used = PART(mig.memory, USED(ring));

	return __atomic_load_n(&used->idx, __ATOMIC_ACQUIRE);
}

/* Wait until the back end has used all buffers with packets; false after a time-out. */
static bool wait_for_packets(void)
{
	struct pollfd pfd = { .fd = mig.call[RX], .events = POLLIN };
	eventfd_t count;

	while (used_of(RX) < PACKETS) {
		if (poll(&pfd, 1, PATIENCE) <= 0)
			return false;
		eventfd_read(mig.call[RX], &count);
	}
	return true;
}

static void check_packets(void)
{
	const struct vring_used *used = PART(mig.memory, USED(RX));
	uint8_t want[PACKET];
	unsigned int i;

	check_eq(used_of(TX), PACKETS);
	for (i = 0; i < PACKETS; i++) {
		fill_packet(want, i);
		check_eq(used->ring[i].id, i);
		check_eq(used->ring[i].len, HEADER + PACKET);
		check(!memcmp(PART(mig.memory, BUF(RX, i)) + HEADER, want,
			      PACKET));
	}
}

static void begin(void)
{
	fill_source();
	make_destination();
	connect_testpmd();
	begin_postcopy();
}

static void end(void)
{
	end_testpmd();
	free_destination();
}

TEST(net_vhost_sends_packets_back_from_memory_that_arrives_page_by_page)
{
	unsigned int i;

	begin();
	for (i = 0; i < PAGES; i++)
		check(!is_there(i));
	start_ring(RX);
	start_ring(TX);
	check(wait_for_faults());
	check(!is_there(UNUSED));
	end_postcopy();
	for (i = 0; i < PAGES; i++)
		check(is_there(i));
	check_eq(mig.reported[UNUSED], 0);
	check(wait_for_packets());
	check_packets();
	end();
}

TEST(pages_outside_the_regions_are_refused)
{
	struct vhost_postcopy *p;

	begin();
	p = mig.postcopy;
	check_eq(vhost_postcopy_place(p, 1, 0, mig.source, PAGE), -EINVAL);
	check_eq(vhost_postcopy_place(p, 8, 0, mig.source, PAGE), -EINVAL);
	check_eq(vhost_postcopy_place(p, 0, SIZE, mig.source, PAGE), -EINVAL);
	check_eq(vhost_postcopy_place(p, 0, PAGE, mig.source, SIZE), -EINVAL);
	check_eq(vhost_postcopy_place(p, 0, 512, mig.source, PAGE), -EINVAL);
	check_eq(vhost_postcopy_place(p, 0, 0, mig.source, 512), -EINVAL);
	check_eq(vhost_postcopy_place(p, 0, 0, mig.source, 0), -EINVAL);
	check_eq(vhost_postcopy_wake(p, 0, SIZE, PAGE), -EINVAL);
	/* A page that no thread waits for. */
	check_eq(vhost_postcopy_wake(p, 0, 512, 1), 0);
	end_postcopy();
	end();
}

TEST(memory_that_cannot_have_missing_pages_is_refused)
{
	const struct vhost_region memory = {
		.region = { .size = PAGE },
		.fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC),
	};

	begin();
	check_eq(vhost_postcopy_set_mem_table(mig.postcopy, &memory, 1),
		 -EINVAL);
	check(vhost_backend_connected(b));
	end_postcopy();
	close(memory.fd);
	end();
}
