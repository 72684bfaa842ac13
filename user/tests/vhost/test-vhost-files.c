// SPDX-License-Identifier: GPL-2.0
/*
 * virtiofsd, whose state migrates with the device: a file opened through the
 * first virtiofsd is read through the second.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vuser/sock.h>

#include "../../devices/vhost/virtio.h"
#include "peers.h"
#include "../harness.h"

#define PATIENCE 20000
#define PAGE	 4096

/* The driver's memory. */
#define IOVA  0x100000
#define SIZE  0x10000
#define AVAIL 0x1000
#define USED  0x2000
#define IN    0x3000
#define OUT   0x8000
#define QUEUE 1 /* 0 is for urgent requests */
#define NUM   16
#define TEXT  "content of the file\n"

static const uint64_t ring[3] = { IOVA, IOVA + AVAIL, IOVA + USED };

static struct {
	int fd;
	uint8_t *mem;
	int call;
	uint16_t index;
	uint64_t unique;
} driver;

static uint8_t stream[1 << 20];

static void begin(void)
{
	int fd;

	peers_begin();
	mkdir(peers_path("dir"), 0700);
	fd = open(peers_path("dir/file"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	require(fd >= 0 && write(fd, TEXT, strlen(TEXT)) > 0);
	close(fd);
	memset(&driver, 0, sizeof(driver));
	driver.fd = memfd_create("guest", MFD_CLOEXEC);
	require(!ftruncate(driver.fd, SIZE));
	driver.mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			  driver.fd, 0);
	require(driver.mem != MAP_FAILED);
	driver.call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static void end(void)
{
	munmap(driver.mem, SIZE);
	close(driver.fd);
	close(driver.call);
	peers_end();
}

/*
 * virtiofsd gets a socket that already listens, and exits with its connection.
 */
static pid_t start_virtiofsd(const char *name)
{
	char fd_arg[32];
	const char *const argv[] = {
		VIRTIOFSD,     fd_arg,	"--shared-dir", peers_path("dir"),
		"--sandbox",   "none",	"--tag",	"files",
		"--log-level", "error", NULL,
	};
	int fd = vuser_sock_listen(peers_path(name));
	pid_t pid;

	require(fd >= 0);
	snprintf(fd_arg, sizeof(fd_arg), "--fd=%d", fd);
	fcntl(fd, F_SETFD, 0);
	fcntl(fd, F_SETFL, 0);
	pid = peers_run(argv);
	close(fd);
	return pid;
}

static void reap(pid_t pid)
{
	int status = -1;

	check_eq(waitpid(pid, &status, 0), pid);
	check_eq(status, 0);
}

static void wait_used(void)
{
	struct vring_used *used = (void *)(driver.mem + USED);
	struct pollfd pfd = { .fd = driver.call, .events = POLLIN };
	eventfd_t count;

	while (__atomic_load_n(&used->idx, __ATOMIC_ACQUIRE) != driver.index) {
		require(poll(&pfd, 1, PATIENCE) == 1);
		eventfd_read(driver.call, &count);
	}
}

/* Send a FUSE request; return its error, or 0 and @size bytes in @result. */
static int ask(struct chain *c, uint32_t opcode, uint64_t node, const void *arg,
	       size_t len, void *result, size_t size)
{
	struct fuse_in_header in = {
		.len = sizeof(in) + len,
		.opcode = opcode,
		.unique = ++driver.unique,
		.nodeid = node,
	};
	struct vring_desc *desc = (void *)driver.mem;
	struct vring_avail *avail = (void *)(driver.mem + AVAIL);
	struct fuse_out_header out;

	memcpy(driver.mem + IN, &in, sizeof(in));
	memcpy(driver.mem + IN + sizeof(in), arg, len);
	memset(driver.mem + OUT, 0, sizeof(out));
	desc[0] =
		(struct vring_desc) { IOVA + IN, in.len, VRING_DESC_F_NEXT, 1 };
	desc[1] = (struct vring_desc) { IOVA + OUT, sizeof(out) + size,
					VRING_DESC_F_WRITE, 0 };
	avail->ring[driver.index++ % NUM] = 0;
	__atomic_store_n(&avail->idx, driver.index, __ATOMIC_RELEASE);
	chain_kick(c, QUEUE);
	wait_used();
	memcpy(&out, driver.mem + OUT, sizeof(out));
	check_eq(out.unique, driver.unique);
	if (!out.error)
		memcpy(result, driver.mem + OUT + sizeof(out), size);
	return out.error;
}

static void init(struct chain *c)
{
	const struct fuse_init_in in = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = PAGE,
	};
	struct fuse_init_out out;

	require(!ask(c, FUSE_INIT, 0, &in, sizeof(in), &out, sizeof(out)));
	check_eq(out.major, FUSE_KERNEL_VERSION);
}

static uint64_t look_up(struct chain *c, const char *name)
{
	struct fuse_entry_out out;

	require(!ask(c, FUSE_LOOKUP, FUSE_ROOT_ID, name, strlen(name) + 1, &out,
		     sizeof(out)));
	return out.nodeid;
}

static uint64_t open_file(struct chain *c, uint64_t node)
{
	const struct fuse_open_in in = { .flags = O_RDONLY };
	struct fuse_open_out out;

	require(!ask(c, FUSE_OPEN, node, &in, sizeof(in), &out, sizeof(out)));
	return out.fh;
}

static int read_file(struct chain *c, uint64_t node, uint64_t fh, char *text)
{
	const struct fuse_read_in in = { .fh = fh, .size = 100 };
	char buf[100] = "";
	int ret = ask(c, FUSE_READ, node, &in, sizeof(in), buf, sizeof(buf));

	memcpy(text, buf, sizeof(buf));
	return ret;
}

static void connect_driver(struct chain *c)
{
	chain_map(c, IOVA, SIZE, driver.fd);
	chain_irq(c, QUEUE + 1, driver.call);
	chain_drive(c, 0, QUEUE, NUM, ring);
}

TEST(open_file_is_readable_after_migration)
{
	uint64_t node, fh;
	pid_t first, second;
	struct chain a, b;
	char text[100];
	size_t len;

	begin();
	first = start_virtiofsd("first");
	second = start_virtiofsd("second");
	chain_start(&a, "fs", peers_path("first"), "a");
	chain_start(&b, "fs", peers_path("second"), "b");
	connect_driver(&a);
	init(&a);
	node = look_up(&a, "file");
	fh = open_file(&a, node);
	check_eq(read_file(&a, node, fh, text), 0);
	check(!strcmp(text, TEXT));
	check_eq(chain_go(&a, VFIO_DEVICE_STATE_STOP_COPY), 0);
	len = chain_save(&a, stream, sizeof(stream));

	chain_map(&b, IOVA, SIZE, driver.fd);
	check_eq(chain_go(&b, VFIO_DEVICE_STATE_RESUMING), 0);
	check_eq(chain_load(&b, stream, len), 0);
	check_eq(chain_go(&b, VFIO_DEVICE_STATE_RUNNING), 0);
	chain_irq(&b, QUEUE + 1, driver.call);
	chain_end(&a);
	reap(first);
	/* The second virtiofsd gets neither FUSE_INIT nor FUSE_OPEN. */
	check_eq(read_file(&b, node, fh, text), 0);
	check(!strcmp(text, TEXT));
	check_eq(look_up(&b, "file"), node);
	chain_end(&b);
	reap(second);
	end();
}

TEST(device_continues_after_a_cancelled_migration)
{
	uint64_t node, fh;
	struct chain a;
	char text[100];
	pid_t first;

	begin();
	first = start_virtiofsd("first");
	chain_start(&a, "fs", peers_path("first"), "a");
	connect_driver(&a);
	init(&a);
	node = look_up(&a, "file");
	fh = open_file(&a, node);
	/* Cancel after the whole state was read, and after a part of it. */
	check_eq(chain_go(&a, VFIO_DEVICE_STATE_STOP_COPY), 0);
	check(chain_save(&a, stream, sizeof(stream)) > 4096);
	check_eq(chain_go(&a, VFIO_DEVICE_STATE_RUNNING), 0);
	check_eq(read_file(&a, node, fh, text), 0);
	check(!strcmp(text, TEXT));
	check_eq(chain_go(&a, VFIO_DEVICE_STATE_STOP_COPY), 0);
	check_eq(vuser_client_mig_read(a.client, stream, 10), 10);
	check_eq(chain_go(&a, VFIO_DEVICE_STATE_RUNNING), 0);
	check_eq(read_file(&a, node, fh, text), 0);
	check(!strcmp(text, TEXT));
	chain_end(&a);
	reap(first);
	end();
}

TEST(corrupt_virtiofsd_state_is_refused)
{
	pid_t first, second;
	struct chain a, b;
	size_t len, i;

	begin();
	first = start_virtiofsd("first");
	second = start_virtiofsd("second");
	chain_start(&a, "fs", peers_path("first"), "a");
	chain_start(&b, "fs", peers_path("second"), "b");
	connect_driver(&a);
	init(&a);
	check_eq(chain_go(&a, VFIO_DEVICE_STATE_STOP_COPY), 0);
	len = chain_save(&a, stream, sizeof(stream));
	chain_end(&a);
	reap(first);
	/*
	 * virtiofsd's data is at the end, before the end marker of the stream.
	 */
	for (i = len - 4 - 8; i < len - 4; i++)
		stream[i] ^= 0xff;
	check_eq(chain_go(&b, VFIO_DEVICE_STATE_RESUMING), 0);
	check_eq(chain_load(&b, stream, len), -EREMOTEIO);
	check_eq(chain_go(&b, VFIO_DEVICE_STATE_STOP), -EINVAL);
	/* vuser-vhost disconnected, so virtiofsd exited. */
	reap(second);
	chain_end(&b);
	end();
}

TEST(writes_of_virtiofsd_are_logged)
{
	const uint64_t used = UINT64_C(1) << USED / PAGE;
	const uint64_t out = UINT64_C(1) << OUT / PAGE;
	struct chain a;
	uint64_t node;
	pid_t first;

	begin();
	first = start_virtiofsd("first");
	chain_start(&a, "fs", peers_path("first"), "a");
	connect_driver(&a);
	init(&a);
	check_eq(chain_log(&a, true), 0);
	check_eq(chain_report(&a, IOVA), used);
	node = look_up(&a, "file");
	check(node);
	check_eq(chain_report(&a, IOVA), used | out);
	check_eq(chain_report(&a, IOVA), used);
	check_eq(chain_log(&a, false), 0);
	chain_end(&a);
	reap(first);
	end();
}
