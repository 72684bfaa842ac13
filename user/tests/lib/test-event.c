// SPDX-License-Identifier: GPL-2.0
/* Signals to eventfds that other processes write to as well. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../lib/event.h"
#include "../harness.h"

#define ROUNDS	4000
#define STUCK_S 10

static uint64_t count_of(int fd)
{
	eventfd_t count = 0;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	return eventfd_read(fd, &count) ? 0 : count;
}

TEST(each_signal_adds_one_to_the_eventfd)
{
	struct vu_event_port port = VU_EVENT_PORT_INIT;
	int i, fd = eventfd(0, EFD_CLOEXEC);

	for (i = 0; i < 1000; i++)
		vu_event_signal(&port, fd);
	check_eq(count_of(fd), 1000);
	vu_event_port_clear(&port);
	close(fd);
}

/*
 * The consumer chose a blocking eventfd, and the signal must not change the
 * mode.
 */
TEST(signal_at_the_eventfd_limit_returns_and_keeps_the_mode)
{
	struct vu_event_port port = VU_EVENT_PORT_INIT;
	int fd = eventfd(0, EFD_CLOEXEC);

	check_eq(eventfd_write(fd, UINT64_MAX - 1), 0);
	vu_event_signal(&port, fd);
	check_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	check(count_of(fd) >= UINT64_MAX - 1);
	vu_event_signal(&port, fd);
	check_eq(count_of(fd), 1);
	vu_event_port_clear(&port);
	close(fd);
}

/* Wait for the signal and return its value. */
static void *wait_for_signal(void *data)
{
	eventfd_t count = 0;

	eventfd_read(*(int *)data, &count);
	return (void *)(uintptr_t)count;
}

TEST(signal_wakes_a_reader)
{
	struct vu_event_port port = VU_EVENT_PORT_INIT;
	int fd = eventfd(0, EFD_CLOEXEC);
	pthread_t thread;
	void *count;

	pthread_create(&thread, NULL, wait_for_signal, &fd);
	vu_event_signal(&port, fd);
	pthread_join(thread, &count);
	check_eq((uintptr_t)count, 1);
	vu_event_port_clear(&port);
	close(fd);
}

/* A device may fork into the background after its first signal. */
TEST(signal_works_in_a_forked_child)
{
	struct vu_event_port port = VU_EVENT_PORT_INIT;
	int status, fd = eventfd(0, EFD_CLOEXEC);
	pid_t pid;

	vu_event_signal(&port, fd);
	pid = fork();
	require(pid >= 0);
	if (!pid) {
		vu_event_signal(&port, fd);
		_exit(0);
	}
	require(waitpid(pid, &status, 0) == pid);
	check_eq(status, 0);
	check_eq(count_of(fd), 2);
	vu_event_port_clear(&port);
	close(fd);
}

/* No reader exists for such a descriptor, but the call must return. */
TEST(signal_to_a_descriptor_that_is_not_an_eventfd_returns)
{
	struct vu_event_port port = VU_EVENT_PORT_INIT;
	int fds[2];

	require(!pipe(fds));
	vu_event_signal(&port, fds[0]);
	vu_event_signal(&port, -1);
	vu_event_port_clear(&port);
	close(fds[0]);
	close(fds[1]);
}

/*
 * The counter of the eventfd has room for one more, and two threads add one.
 * The writer may block; the signalling thread must not.
 */
struct race {
	int fd;
	atomic_uint round;
	atomic_uint signalled;
	atomic_uint written;
};

static void *write_counts(void *data)
{
	struct race *race = data;
	unsigned int i;

	for (i = 1; i <= ROUNDS; i++) {
		while (race->round < i)
			sched_yield();
		eventfd_write(race->fd, 1);
		race->written = i;
	}
	return NULL;
}

static void *send_signals(void *data)
{
	struct vu_event_port port = VU_EVENT_PORT_INIT;
	struct race *race = data;
	unsigned int i;

	for (i = 1; i <= ROUNDS; i++) {
		while (race->round < i)
			sched_yield();
		vu_event_signal(&port, race->fd);
		race->signalled = i;
	}
	vu_event_port_clear(&port);
	return NULL;
}

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* Read until the eventfd is empty; this thread is the only reader. */
static void drain(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	eventfd_t count;

	while (poll(&pfd, 1, 0) == 1)
		eventfd_read(fd, &count);
	sched_yield();
}

static bool was_signalled(struct race *race, unsigned int round)
{
	time_t start = now();

	while (race->signalled < round) {
		if (now() - start > STUCK_S)
			return false;
		sched_yield();
	}
	return true;
}

TEST(signal_does_not_block_in_a_race_for_the_last_count)
{
	struct race race = { .fd = eventfd(0, EFD_CLOEXEC) };
	pthread_t signaller, writer;
	unsigned int i;
	bool ok = true;

	pthread_create(&signaller, NULL, send_signals, &race);
	pthread_create(&writer, NULL, write_counts, &race);
	for (i = 1; i <= ROUNDS; i++) {
		eventfd_write(race.fd, UINT64_MAX - 2);
		race.round = i;
		if (ok)
			ok = was_signalled(&race, i);
		/* Read, so that a thread that blocks can continue. */
		while (race.written < i || race.signalled < i)
			drain(race.fd);
		drain(race.fd);
	}
	check(ok);
	pthread_join(signaller, NULL);
	pthread_join(writer, NULL);
	close(race.fd);
}
