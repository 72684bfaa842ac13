// SPDX-License-Identifier: GPL-2.0
/*
 * A server that keeps more than its own end of a socket.  A process with the kernel's end,
 * too, could hold the lock of the socket as long as a FUSE server likes, or read what is
 * sent to the kernel.  So the kernel attaches only sockets that no other process has.
 * The test acts as the helper and as the server.
 */
#include <linux/vfio.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <kselftest_harness.h>

#include "lib/clock.h"
#include "lib/control.h"
#include "lib/fuse.h"
#include "lib/task.h"
#include "lib/unix.h"

#define PAGE 0x1000UL
/* A limit for the time of a call that does not wait, in ms. */
#define BOUND_MS 20000

FIXTURE(hold)
{
	struct control c;
	int twin[2];
	struct fuse fuse;
	int file;
};

/* The end that another process has, too. */
FIXTURE_VARIANT(hold)
{
	bool twin;
};
FIXTURE_VARIANT_ADD(hold, main) { .twin = false };
FIXTURE_VARIANT_ADD(hold, twin) { .twin = true };

FIXTURE_SETUP(hold)
{
	/* The FUSE server is a process of its own: it must not get the sockets. */
	ASSERT_EQ(0, fuse_start(&self->fuse));
	self->file = fuse_open(&self->fuse);
	ASSERT_LE(0, self->file);
	ASSERT_EQ(0, control_start(&self->c));
	ASSERT_EQ(0, control_claim(&self->c.nl, self->c.id, &self->c.token));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				self->twin));
}

FIXTURE_TEARDOWN(hold)
{
	close(self->file);
	fuse_stop(&self->fuse);
	close(self->twin[0]);
	close(self->twin[1]);
	EXPECT_EQ(0, control_stop(&self->c));
}

static int attach_both(struct control *c, int sock, int twin)
{
	struct nlt_msg *msg = control_attach_new(c->id, c->token, sock);

	nlt_put_u32(msg, VUSER_A_DEV_TWIN_FD, twin);
	control_put_region(msg, 0, 0x4000);
	control_put_regions(msg);
	return nlt_call(&c->nl, msg, NULL, NULL);
}

/*
 * Attaches both sockets, of which another process holds one.  Then registers a family,
 * which waits for all handlers of generic netlink.
 */
static void expect_refused(struct __test_metadata *_metadata,
			   FIXTURE_DATA(hold) *self)
{
	long long start = clock_ms();

	EXPECT_EQ(-ETOOMANYREFS,
		  attach_both(&self->c, self->c.sock[0], self->twin[0]));
	EXPECT_EQ(0, system("modprobe fou && modprobe -r fou"));
	EXPECT_GT(BOUND_MS, clock_ms() - start);
}

/* When no other process has the sockets any more, they can be attached. */
static void expect_attached(struct __test_metadata *_metadata,
			    FIXTURE_DATA(hold) *self)
{
	EXPECT_EQ(0, attach_both(&self->c, self->c.sock[0], self->twin[0]));
	EXPECT_EQ(0, mdev_wait(self->c.uuid, "state", "attached", SOON_MS));
}

/* The end of this test's variant that the kernel is to get. */
static int held_end(const FIXTURE_DATA(hold) *self, bool twin)
{
	return twin ? self->twin[0] : self->c.sock[0];
}

/* Maps a page of memory, and behind it a page of the FUSE file. */
static char *map_before_fuse(int file)
{
	char *mem = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED ||
	    mmap(mem + PAGE, PAGE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED)
		abort();
	return mem;
}

/*
 * Calls setsockopt() with a value whose end is on the FUSE page: the socket's lock is
 * held while the end is copied.
 */
static void set_linger(int sock, int file)
{
	char *value = map_before_fuse(file) + PAGE - sizeof(int);

	setsockopt(sock, SOL_SOCKET, SO_LINGER, value, sizeof(struct linger));
}

/* Receives to the FUSE page: the socket's lock for readers is held. */
static void receive(int sock, int file)
{
	recv(sock, map_before_fuse(file) + PAGE, PAGE, 0);
}

/* Starts a process that calls @fn and waits there for the FUSE server. */
static pid_t hold_lock(FIXTURE_DATA(hold) *self, bool twin,
		       void (*fn)(int sock, int file))
{
	pid_t pid;

	fuse_hold(&self->fuse);
	pid = fork();
	if (!pid) {
		fn(held_end(self, twin), self->file);
		pause();
	}
	fuse_wait(&self->fuse);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

TEST_F(hold, socket_that_another_process_sets_options_of_is_refused)
{
	pid_t pid = hold_lock(self, variant->twin, set_linger);

	ASSERT_LE(0, pid);
	expect_refused(_metadata, self);
	fuse_release(&self->fuse);
	end(pid);
	expect_attached(_metadata, self);
}

TEST_F(hold, socket_that_another_process_reads_is_refused)
{
	int server = variant->twin ? self->twin[1] : self->c.sock[1];
	pid_t pid;

	ASSERT_EQ(1, send(server, "", 1, 0));
	pid = hold_lock(self, variant->twin, receive);
	ASSERT_LE(0, pid);
	expect_refused(_metadata, self);
	fuse_release(&self->fuse);
	end(pid);
	expect_attached(_metadata, self);
}

TEST_F(hold, socket_in_an_unread_message_is_refused)
{
	int pair[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	ASSERT_EQ(0, unix_send_files(pair[0], "", 1,
				     held_end(self, variant->twin), 1));
	expect_refused(_metadata, self);
	close(pair[0]);
	close(pair[1]);
	expect_attached(_metadata, self);
}

/*
 * The twin socket is the other end of the main socket: no process is left that would close
 * one of them, and the kernel would read its own commands.
 */
TEST_F(hold, twin_that_is_the_other_end_of_the_main_socket_is_refused)
{
	int server = variant->twin ? self->c.sock[0] : self->c.sock[1];
	int kernel = variant->twin ? self->c.sock[1] : self->c.sock[0];

	EXPECT_EQ(-EINVAL, attach_both(&self->c, kernel, server));
}

/* The kernel does not keep the server's own socket as the file of an area. */
TEST_F(hold, end_of_a_server_that_gave_its_socket_as_a_region_is_seen)
{
	struct control *c = &self->c;
	struct nlt_msg *msg = control_attach_new(c->id, c->token, c->sock[0]);
	size_t region = nlt_nest(msg, VUSER_A_DEV_REGION), area;

	nlt_put_u32(msg, VUSER_A_REGION_INDEX, 0);
	nlt_put_u64(msg, VUSER_A_REGION_SIZE, 0x4000);
	nlt_put_u32(msg, VUSER_A_REGION_FLAGS,
		    VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE |
			    VFIO_REGION_INFO_FLAG_MMAP);
	area = nlt_nest(msg, VUSER_A_REGION_AREA);
	nlt_put_u64(msg, VUSER_A_AREA_OFFSET, PAGE);
	nlt_put_u64(msg, VUSER_A_AREA_SIZE, PAGE);
	nlt_put_u32(msg, VUSER_A_AREA_FD, c->sock[1]);
	nlt_put_u64(msg, VUSER_A_AREA_FILE_OFFSET, 0);
	nlt_nest_end(msg, area);
	nlt_nest_end(msg, region);
	control_put_regions(msg);
	ASSERT_EQ(0, nlt_call(&c->nl, msg, NULL, NULL));
	EXPECT_EQ(0, mdev_wait(c->uuid, "state", "attached", SOON_MS));
	close(c->sock[1]);
	c->sock[1] = -1;
	EXPECT_EQ(0, mdev_wait(c->uuid, "state", "lost", SOON_MS));
}

TEST_HARNESS_MAIN
