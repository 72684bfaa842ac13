// SPDX-License-Identifier: GPL-2.0
/*
 * Servers that send without end, read nothing, or reply after the waiting
 * thread was killed.  The tables of hostile_test have only tricks on one
 * message; these cases need several.
 */
#include <dirent.h>
#include <linux/vuser.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "hostile/case.h"
#include "lib/clock.h"
#include "lib/consumer.h"
#include "lib/control.h"
#include "lib/genl.h"
#include "lib/helper.h"

#define PAGE HOSTILE_PAGE
/*
 * A timeout that must expire in the test, and a limit for the time until it has
 * expired, in ms.
 */
#define SHORT_TIMEOUT "300"
#define BOUND_MS      20000
/* The number of slots of the channel, see kmod/server/channel.h. */
#define NR_SLOTS   128
#define NR_THREADS (NR_SLOTS + 2)

static const struct target reads = { VFIO_USER_REGION_READ };
static const struct target stores = { VFIO_USER_REGION_WRITE };
static const struct target resets = { VFIO_USER_DEVICE_RESET };

FIXTURE(flood)
{
	struct hostile h;
	long locked;
};

FIXTURE_SETUP(flood)
{
	self->locked = res_locked();
	ASSERT_EQ(0, hostile_start(&self->h, "/dev/null"));
	ASSERT_EQ(0, hostile_attach(&self->h));
	ASSERT_EQ(0, consumer_open(&self->h.consumer));
}

FIXTURE_TEARDOWN(flood)
{
	const char *uuid = self->h.consumer.uuid;

	consumer_close(&self->h.consumer);
	EXPECT_EQ(self->locked, res_locked());
	/* Reset the short timeouts for the next server. */
	EXPECT_EQ(0, mdev_set(uuid, "request_timeout_ms", "10000"));
	EXPECT_EQ(0, mdev_set(uuid, "close_timeout_ms", "10000"));
	self->h.attached = false;
	EXPECT_EQ(0, hostile_usable(&self->h));
	hostile_stop(&self->h);
}

#define SET(attr, ms) \
	ASSERT_EQ(0, mdev_set(self->h.consumer.uuid, attr "_timeout_ms", ms))
#define EXPECT_STATE(state) \
	EXPECT_EQ(0, mdev_wait(self->h.consumer.uuid, "state", state, SOON_MS))
#define EXPECT_LOST() \
	EXPECT_EQ(0, mdev_wait_lost(self->h.consumer.uuid, SOON_MS))

/* Tricks ------------------------------------------------------------------- */

static atomic_uint batches;
static atomic_bool flood_ended;
static sem_t reached, go_on;

/*
 * Fills @buf with as many one-byte DMA writes as fit, all without a reply.
 */
static size_t make_writes(char *buf, size_t size)
{
	struct {
		struct vfio_user_header hdr;
		struct vfio_user_dma_access access;
		char data;
	} __attribute__((packed)) write = {
		.hdr.command = VFIO_USER_DMA_WRITE,
		.hdr.msg_size = sizeof(write),
		.hdr.flags = VFIO_USER_FLAGS_NO_REPLY,
		.access = { ACTION_IOVA, 1 },
	};
	size_t len;

	for (len = 0; len + sizeof(write) <= size; len += sizeof(write))
		memcpy(buf + len, &write, sizeof(write));
	return len;
}

/*
 * Answers nothing, and sends until the other end closes the socket.  The send
 * buffer is so large that it never runs empty, even if this thread is scheduled
 * rarely.
 */
static enum next flood_writes(struct server *s, const struct trick *t)
{
	static char buf[32768];
	size_t len = make_writes(buf, sizeof(buf));
	int room = 64 << 20;

	setsockopt(s->conn, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	while (!server_send(s, buf, len, NULL, 0))
		if (batches++ == 16)
			sem_post(&reached);
	return NEXT_HANG_UP;
}

/*
 * Sends @a DMA reads of four pages each, so many that the replies do not fit in
 * the socket.  Then does @b (NEXT_*).
 */
static enum next ask_and_not_read(struct server *s, const struct trick *t)
{
	struct vfio_user_dma_access access = { ACTION_IOVA, 4 * PAGE };
	unsigned int i;

	for (i = 0; i < t->a; i++) {
		server_command(&s->reply, i, VFIO_USER_DMA_READ, &access,
			       sizeof(access));
		if (server_send_message(s, &s->reply))
			break;
	}
	sem_post(&reached);
	while (t->b == NEXT_HANG_UP && sem_wait(&go_on))
		;
	return t->b;
}

/*
 * Holds the replies back until all slots are in use.  Then, if @a is
 * NEXT_SERVE, it sends them.
 */
static enum next answer_late(struct server *s, const struct trick *t)
{
	static struct message kept[NR_SLOTS];
	unsigned int i;

	kept[0] = s->reply;
	for (i = 1; i < NR_SLOTS; i++) {
		if (server_recv(s, &s->cmd))
			return NEXT_HANG_UP;
		good_reply(s);
		kept[i] = s->reply;
	}
	sem_post(&reached);
	while (sem_wait(&go_on))
		;
	for (i = 0; i < NR_SLOTS && !t->a; i++)
		server_send_message(s, &kept[i]);
	return t->a;
}

/* Breaks the protocol, then continues to write to the consumer's memory. */
static enum next break_and_write(struct server *s, const struct trick *t)
{
	char buf[1024];
	size_t len = make_writes(buf, sizeof(buf));
	unsigned int i;

	server_command(&s->reply, 1, 999, "", 0);
	server_send_message(s, &s->reply);
	for (i = 0; i < 100; i++)
		if (server_send(s, buf, len, NULL, 0))
			break;
	return NEXT_SILENT;
}

/* Floods ------------------------------------------------------------------- */

TEST_F(flood, flood_does_not_delay_the_timeout_of_a_read)
{
	static const struct trick trick = { .fn = flood_writes };
	long long start = clock_ms();

	SET("request", SHORT_TIMEOUT);
	server_arm(&self->h.server, &trick, &reads);
	EXPECT_EQ(-EIO, consumer_check(&self->h.consumer));
	EXPECT_GT(BOUND_MS, clock_ms() - start)
	TH_LOG("after %lld ms", clock_ms() - start);
	EXPECT_LOST();
}

TEST_F(flood, flood_does_not_delay_the_death_of_a_reader)
{
	static const struct trick trick = { .fn = flood_writes };
	long long start;
	int status;
	pid_t pid;

	SET("close", SHORT_TIMEOUT);
	batches = 0;
	sem_init(&reached, 0, 0);
	server_arm(&self->h.server, &trick, &reads);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(consumer_check(&self->h.consumer) ? 1 : 0);
	while (sem_wait(&reached))
		;
	start = clock_ms();
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_GT(BOUND_MS, clock_ms() - start)
	TH_LOG("after %lld ms", clock_ms() - start);
}

TEST_F(flood, flood_does_not_delay_a_close)
{
	static const struct trick trick = { .fn = flood_writes };
	long long start = clock_ms();

	SET("close", SHORT_TIMEOUT);
	server_arm(&self->h.server, &trick, &resets);
	consumer_close(&self->h.consumer);
	EXPECT_GT(BOUND_MS, clock_ms() - start)
	TH_LOG("after %lld ms", clock_ms() - start);
	EXPECT_STATE("created");
}

/* Sends the reply, then floods. */
static enum next answer_and_flood(struct server *s, const struct trick *t)
{
	server_send_message(s, &s->reply);
	return flood_writes(s, t);
}

/*
 * Sends the first half of a message, and when the kernel has read it, the rest and a
 * flood.
 */
static enum next flood_after_half(struct server *s, const struct trick *t)
{
	static char buf[32768];
	size_t len = make_writes(buf, sizeof(buf));
	int room = 8 << 20;

	setsockopt(s->conn, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	server_send(s, buf, 20, NULL, 0);
	control_wait_read(s->conn);
	server_send(s, buf + 20, len - 20, NULL, 0);
	sem_post(&reached);
	while (!flood_ended && !server_send(s, buf, len, NULL, 0))
		;
	return NEXT_SERVE;
}

/* The period of the check for threads that hang, in seconds. */
#define HUNG_TASK "/proc/sys/kernel/hung_task_timeout_secs"
#define HUNG_S	  2

/*
 * The deadline of the half message passes during the flood.  No thread of the kernel
 * waits for the flood to end.
 */
TEST_F(flood, no_thread_of_the_kernel_waits_for_the_end_of_a_flood)
{
	static const struct trick trick = { .fn = flood_after_half };
	char period[32];

	ASSERT_EQ(0, file_read(HUNG_TASK, period, sizeof(period)));
	ASSERT_EQ(0, file_write(HUNG_TASK, "2"));
	SET("request", "2000");
	flood_ended = false;
	sem_init(&reached, 0, 0);
	server_arm(&self->h.server, &trick, &stores);
	klog_has(self->h.klog, "");
	self->h.consumer.bar0[1] = 1;
	while (sem_wait(&reached))
		;
	/* A thread is reported if it waits during two checks. */
	sleep(2 + 4 * HUNG_S);
	flood_ended = true;
	EXPECT_FALSE(klog_has(self->h.klog, "blocked for more than"));
	EXPECT_EQ(0, file_write(HUNG_TASK, period));
	SET("request", "60000");
	EXPECT_STATE("open");
}

static bool is_last_config_read(const struct message *cmd)
{
	struct vfio_user_region_access access;

	memcpy(&access, cmd->data, sizeof(access));
	return access.offset == HOSTILE_CONFIG - 4;
}

/* No consumer has the device open, so the module may be unloaded. */
TEST(module_can_be_unloaded_during_a_flood)
{
	static const struct trick trick = { .fn = answer_and_flood };
	static const struct target last = { VFIO_USER_REGION_READ,
					    is_last_config_read };
	static struct hostile h;
	int i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, hostile_start(&h, "/dev/null"));
		ASSERT_EQ(0, server_next(&h.server));
		batches = 0;
		sem_init(&reached, 0, 0);
		server_arm(&h.server, &trick, &last);
		ASSERT_EQ(0,
			  mdev_set(h.consumer.uuid, "endpoint", h.server.path));
		while (sem_wait(&reached))
			;
		EXPECT_EQ(0, system("rmmod vuser"));
		ASSERT_EQ(0, system("insmod $BUILD/module/kmod/vuser.ko"));
		hostile_stop(&h);
	}
	ASSERT_EQ(0, hostile_start(&h, "/dev/null"));
	EXPECT_EQ(0, hostile_usable(&h));
	hostile_stop(&h);
}

/* Replies that do not fit in the socket ------------------------------------ */

/* Clock ticks that the kernel's worker threads have used so far. */
static unsigned long worker_ticks(void)
{
	unsigned long user, system, all = 0;
	char path[300], comm[32];
	struct dirent *ent;
	DIR *dir;
	FILE *f;

	dir = opendir("/proc");
	while (dir && (ent = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%s/stat", ent->d_name);
		if (ent->d_name[0] < '0' || ent->d_name[0] > '9' ||
		    !(f = fopen(path, "re")))
			continue;
		if (fscanf(f,
			   "%*d (%31[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			   comm, &user, &system) == 3 &&
		    !strncmp(comm, "kworker", 7))
			all += user + system;
		fclose(f);
	}
	closedir(dir);
	return all;
}

#define MAP_ALL()                                                         \
	ASSERT_EQ(0, dma_map(self->h.consumer.dev.container,              \
			     self->h.consumer.mem, ACTION_IOVA, 4 * PAGE, \
			     DMA_RW))

/*
 * The server dies while a reply waits for room in the socket: the kernel must
 * not retry for ever.
 */
TEST_F(flood, pending_reply_to_a_dead_server_is_dropped)
{
	static const struct trick trick = { .fn = ask_and_not_read,
					    .a = 64,
					    .b = NEXT_HANG_UP };
	long long end = clock_ms() + SOON_MS;
	unsigned long ticks, idle;

	MAP_ALL();
	sem_init(&reached, 0, 0);
	sem_init(&go_on, 0, 0);
	server_arm(&self->h.server, &trick, &stores);
	self->h.consumer.bar0[1] = 1;
	while (sem_wait(&reached))
		;
	sem_post(&go_on);
	EXPECT_LOST();
	/*
	 * The device is still open.  A worker that retries for ever uses time
	 * in every interval; other work of the kernel ends.
	 */
	idle = sysconf(_SC_CLK_TCK) * QUIET_MS * 3 / 1000 / 2;
	do {
		ticks = worker_ticks();
		usleep(QUIET_MS * 3000);
		ticks = worker_ticks() - ticks;
	} while (ticks >= idle && clock_ms() < end);
	EXPECT_GT(idle, ticks)
	TH_LOG("%lu ticks", ticks);
}

/*
 * A reply waits for room in the socket, and the server never reads: the timeout
 * must end the wait.
 */
TEST_F(flood, server_that_reads_no_replies_is_lost)
{
	static const struct trick trick = { .fn = ask_and_not_read,
					    .a = 64,
					    .b = NEXT_DEAF };

	MAP_ALL();
	SET("request", SHORT_TIMEOUT);
	sem_init(&reached, 0, 0);
	server_arm(&self->h.server, &trick, &stores);
	self->h.consumer.bar0[1] = 1;
	EXPECT_LOST();
	EXPECT_TRUE(klog_has(self->h.klog, "the server does not read replies"));
}

/* After a breach of the protocol, the kernel ignores all further messages. */
TEST_F(flood, messages_after_a_protocol_error_are_ignored)
{
	static const struct trick trick = { .fn = break_and_write };

	MAP_ALL();
	memset(self->h.consumer.mem, 0x5a, PAGE);
	server_arm(&self->h.server, &trick, &stores);
	klog_has(self->h.klog, "");
	self->h.consumer.bar0[1] = 1;
	EXPECT_LOST();
	EXPECT_EQ(1, klog_count(self->h.klog, self->h.consumer.uuid));
	EXPECT_EQ(0x5a, self->h.consumer.mem[0]);
}

/* More threads than slots -------------------------------------------------- */

static void *read_once(void *arg)
{
	consumer_check(arg);
	return NULL;
}

/*
 * Starts a process with more reading threads than the channel has slots, and
 * kills it.
 */
static void kill_readers(struct __test_metadata *_metadata,
			 FIXTURE_DATA(flood) *self)
{
	pthread_t thread;
	int i, status;
	pid_t pid;

	sem_init(&reached, 0, 0);
	sem_init(&go_on, 0, 0);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		for (i = 0; i < NR_THREADS; i++)
			pthread_create(&thread, NULL, read_once,
				       &self->h.consumer);
		pause();
	}
	while (sem_wait(&reached))
		;
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
}

TEST_F(flood, late_replies_to_killed_readers_are_dropped)
{
	static const struct trick trick = { .fn = answer_late };

	server_arm(&self->h.server, &trick, &reads);
	kill_readers(_metadata, self);
	sem_post(&go_on);
	EXPECT_EQ(0, consumer_check(&self->h.consumer));
	EXPECT_STATE("open");
}

/* The replies for all slots are missing, so the server is lost at last. */
TEST_F(flood, missing_replies_to_killed_readers_lose_the_server)
{
	static const struct trick trick = { .fn = answer_late,
					    .a = NEXT_SILENT };

	server_arm(&self->h.server, &trick, &reads);
	kill_readers(_metadata, self);
	sem_post(&go_on);
	SET("request", SHORT_TIMEOUT);
	EXPECT_EQ(-EIO, consumer_check(&self->h.consumer));
	EXPECT_LOST();
}

/* A server that reads nothing ---------------------------------------------- */

static enum next deaf(struct server *s, const struct trick *t)
{
	sem_post(&reached);
	return NEXT_DEAF;
}

/*
 * Sends a message that is so large that the socket takes only a few.  Its bytes
 * fill the socket without the overhead that the kernel adds for each message.
 */
static void *send_much(void *arg)
{
	static struct {
		struct vfio_device_feature head;
		char data[31000];
	} feature = {
		.head.argsz = sizeof(feature),
		.head.flags = VFIO_DEVICE_FEATURE_SET | 0x777,
	};
	struct consumer *c = arg;

	ioctl(c->dev.device, VFIO_DEVICE_FEATURE, &feature);
	return NULL;
}

static void *set_irqs(void *arg)
{
	struct consumer *c = arg;

	irq_set_eventfds(c->dev.device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1,
			 &c->event);
	return NULL;
}

/* Waits until the socket to the server is full. */
static void wait_full(struct __test_metadata *_metadata, struct server *s)
{
	int fd = s->conn, room, queued;
	socklen_t len = sizeof(room);

	ASSERT_EQ(0, getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, &len));
	do {
		ASSERT_EQ(0, ioctl(fd, FIONREAD, &queued));
	} while (queued < room);
}

/* Waits until an fdmsg waits for vuserd, or for room in the socket. */
static void wait_fdmsg(struct __test_metadata *_metadata, struct genl *nl)
{
	struct genl_msg msg;

	do {
		genl_begin(nl, &msg, VUSER_CMD_FDMSG_GET, NLM_F_DUMP);
		ASSERT_EQ(0, genl_send(nl, &msg));
	} while (genl_get(VUSER_A_FDMSG_ID) < 0);
}

/*
 * Registering a family takes the lock that stops all of generic netlink, and
 * waits for running handlers.  So vuserd's `send` must not wait for a server
 * that reads nothing.
 */
TEST_F(flood, full_socket_does_not_block_generic_netlink)
{
	static const struct trick trick = { .fn = deaf };
	struct consumer *c = &self->h.consumer;
	pthread_t threads[9];
	struct genl_msg msg;
	long long start;
	struct genl nl;
	int i;

	SET("request", "60000");
	SET("close", SHORT_TIMEOUT);
	sem_init(&reached, 0, 0);
	server_arm(&self->h.server, &trick, &stores);
	c->bar0[1] = 1;
	while (sem_wait(&reached))
		;
	for (i = 0; i < 8; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, send_much, c));
	/* Send SET_IRQS when the socket is full; otherwise it finds room. */
	wait_full(_metadata, &self->h.server);
	ASSERT_EQ(0, pthread_create(&threads[8], NULL, set_irqs, c));
	ASSERT_EQ(0, genl_open(&nl));
	wait_fdmsg(_metadata, &nl);

	start = clock_ms();
	EXPECT_EQ(0, system("modprobe fou"));
	EXPECT_GT(BOUND_MS, clock_ms() - start)
	TH_LOG("after %lld ms", clock_ms() - start);
	genl_begin(&nl, &msg, VUSER_CMD_DEV_GET, NLM_F_DUMP);
	EXPECT_EQ(0, genl_send(&nl, &msg));
	EXPECT_EQ(0, system("modprobe -r fou"));
	/* The message still has no room. */
	wait_fdmsg(_metadata, &nl);
	genl_close(&nl);
	EXPECT_EQ(0, server_next(&self->h.server));
	for (i = 0; i < 9; i++)
		pthread_join(threads[i], NULL);
	EXPECT_LOST();
}

/* One device after another ------------------------------------------------- */

/* vuserd must not confuse a new device with the previous one. */
TEST_F(flood, recreated_devices_are_attached)
{
	int i;

	consumer_close(&self->h.consumer);
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, mdev_remove(self->h.consumer.uuid));
		uuid_new(self->h.consumer.uuid);
		ASSERT_EQ(0, mdev_create(self->h.consumer.uuid));
		self->h.attached = false;
		ASSERT_EQ(0, hostile_attach(&self->h));
	}
}

HELPER_MAIN
