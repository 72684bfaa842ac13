// SPDX-License-Identifier: GPL-2.0
/*
 * Plays every trick of a hostile server during every action of a consumer or
 * vuserd.  Each case must end in the state that the tables name, with one line
 * in the log that gives the reason.  Afterwards a good server must be able to
 * serve the device again.
 *
 * Several processes play at the same time, each with a device of its own.
 * After each case, a player must have as many descriptors, threads and as much
 * locked memory as before.  Resources that the players share are checked while
 * all players are idle: after the cases of each action, the descriptors and
 * threads of vuserd, and the open files and pinned pages of the whole machine;
 * after all actions, its memory.
 *
 * usage: hostile_test [WORD]: only cases with WORD in their names
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostile/case.h"
#include "lib/clock.h"
#include "lib/helper.h"
#include "lib/res.h"
#include "lib/testdev.h"

#define NR_PLAYERS 4
#define HELPER_LOG "/run/hostile-vuserd.log"
/* A limit above the time of any case, in ms; after it, a player hangs. */
#define HANGS 60000
/* The kernel counts files in batches, per processor. */
#define SLACK_FILES 128
/* How long resources may take to be as before, in ms. */
#define SETTLE_MS 2000
/*
 * How much free memory may vary, in KiB.  The kernel does not count the pages in the lists of
 * the processors as free.  Smaller leaks are found by kmemleak, on the debugging kernel.
 */
#define NOISE 16384

struct test_case {
	const struct action *action;
	const struct trick *trick;
	bool good;
	char why[sizeof(((struct hostile *)0)->why)];
};

/* Shared by the processes. */
struct table {
	atomic_uint next;
	unsigned int end;
	char why[NR_PLAYERS][200];
	unsigned int nr;
	struct test_case cases[];
};

struct player {
	pid_t pid;
	int go; /* write a byte: play; close: end */
	int done; /* reads a byte: no more cases */
};

/* Resources that a player must not gain or lose during a case. */
struct own {
	long fds; /* all fields have one size: they are compared as bytes */
	long threads;
	long locked; /* KiB */
};

/* Resources that the machine must not gain or lose during an action. */
struct held {
	int helper_fds;
	long helper_threads;
	long files;
	long pinned; /* pages */
};

static struct table *table;
static struct player players[NR_PLAYERS];
static unsigned int nr_tests;
static bool failed;

static void result(bool good, const char *name, const char *why)
{
	printf("%s %u - %s%s%s\n", good ? "ok" : "not ok", ++nr_tests, name,
	       good ? "" : " # ", good ? "" : why);
	fflush(stdout);
	failed |= !good;
}

/* The cases ---------------------------------------------------------------- */

static bool wanted(const struct action *action, const struct trick *trick,
		   const char *word)
{
	char name[128];

	snprintf(name, sizeof(name), "%s: %s", action->name, trick->name);
	return !word || strstr(name, word);
}

static void add(const struct action *action, const struct trick *trick,
		const char *word)
{
	/* A payload cannot be shorter than 0 bytes. */
	if (!wanted(action, trick, word) || (int)action->len + trick->delta < 0)
		return;
	table->cases[table->nr].action = action;
	table->cases[table->nr++].trick = trick;
}

/* Fills the table with all cases, grouped by action. */
static void make_table(const char *word)
{
	size_t max = nr_actions * (nr_generic_tricks + nr_single_tricks);
	unsigned int i, k;

	table = mmap(NULL, sizeof(*table) + max * sizeof(table->cases[0]),
		     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (table == MAP_FAILED)
		abort();
	for (i = 0; i < nr_single_tricks; i++)
		action_find(single_tricks[i].action);
	for (i = 0; i < nr_actions; i++) {
		for (k = 0; k < nr_generic_tricks; k++)
			if (!actions[i].posted && !actions[i].single &&
			    (actions[i].thorough ||
			     !generic_tricks[k].thorough))
				add(&actions[i], &generic_tricks[k], word);
		for (k = 0; k < nr_single_tricks; k++)
			if (!strcmp(single_tricks[k].action, actions[i].name))
				add(&actions[i], &single_tricks[k], word);
	}
}

/* A player ----------------------------------------------------------------- */

static void read_own(struct own *own)
{
	own->fds = res_fds(0);
	own->threads = res_status(0, "Threads");
	own->locked = res_locked();
}

static bool own_equal(const struct own *a, const struct own *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/*
 * Reads the resources until they are as before.  The server's thread closes the descriptors
 * of a message after it has sent the message.
 */
static void read_own_until(struct own *own, const struct own *before)
{
	long long end = clock_ms() + SETTLE_MS;

	do
		read_own(own);
	while (!own_equal(own, before) && clock_ms() < end);
}

/*
 * Compares the resources while the device is attached to a good server: then
 * the server's thread has closed all files of the previous connection.
 */
static bool own_as_before(struct hostile *h, struct own *before, char *why,
			  size_t size)
{
	int ret = hostile_attach(h);
	struct own now;

	read_own_until(&now, before);
	if (!ret && own_equal(&now, before))
		return true;
	if (ret)
		snprintf(why, size, "the device is not usable: %s",
			 strerror(-ret));
	else
		snprintf(
			why, size,
			"%ld descriptors, %ld before, %ld threads, %ld before, %ld KiB locked, %ld before",
			now.fds, before->fds, now.threads, before->threads,
			now.locked, before->locked);
	/* Do not report the difference again for the next case. */
	*before = now;
	return false;
}

static void play_cases(struct hostile *h, struct own *before)
{
	struct test_case *c;
	unsigned int i;

	while ((i = atomic_fetch_add(&table->next, 1)) < table->end) {
		c = &table->cases[i];
		c->good = hostile_play(h, c->action, c->trick);
		snprintf(c->why, sizeof(c->why), "%s", h->why);
		if (c->good)
			c->good = own_as_before(h, before, c->why,
						sizeof(c->why));
	}
}

static int play(unsigned int nr, int go, int done)
{
	static struct hostile h;
	struct own before;
	char c;
	int ret;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ret = hostile_start(&h, HELPER_LOG);
	/*
	 * Use the device once: some allocations of the first use are permanent.
	 */
	if (!ret)
		ret = hostile_usable(&h);
	read_own(&before);
	if (ret) {
		fprintf(stderr, "player %u: %s\n", nr, strerror(-ret));
		return 1;
	}
	while (read(go, &c, 1) == 1) {
		play_cases(&h, &before);
		ret = hostile_usable(&h);
		if (ret)
			snprintf(table->why[nr], sizeof(table->why[nr]),
				 "the device is not usable at the end: %s",
				 strerror(-ret));
		if (write(done, "", 1) != 1)
			break;
	}
	hostile_stop(&h);
	return 0;
}

static void start_player(unsigned int nr)
{
	struct player *p = &players[nr];
	int go[2], done[2];
	unsigned int i;

	if (pipe2(go, O_CLOEXEC) || pipe2(done, O_CLOEXEC))
		abort();
	p->pid = fork();
	if (p->pid < 0)
		abort();
	if (!p->pid) {
		for (i = 0; i < nr; i++)
			close(players[i].go);
		close(go[1]);
		close(done[0]);
		_exit(play(nr, go[0], done[1]));
	}
	close(go[0]);
	close(done[1]);
	p->go = go[1];
	p->done = done[0];
}

/* The rounds --------------------------------------------------------------- */

/* All players play the cases up to @end; false if one of them hangs or died. */
static bool play_round(unsigned int end)
{
	struct pollfd pfd = { .events = POLLIN };
	unsigned int i, last;
	bool good = true;
	int ret;
	char c;

	table->end = end;
	for (i = 0; i < NR_PLAYERS; i++)
		if (write(players[i].go, "", 1) != 1)
			good = false;
	for (i = 0; i < NR_PLAYERS; i++) {
		pfd.fd = players[i].done;
		do {
			last = table->next;
			ret = poll(&pfd, 1, HANGS);
		} while (!ret && table->next != last);
		if (ret != 1 || read(players[i].done, &c, 1) != 1)
			good = false;
	}
	/* Each player took one number too many to see that no case is left. */
	table->next = end;
	return good;
}

static void read_held(struct held *held)
{
	held->helper_fds = res_fds(helper_pid);
	held->helper_threads = res_status(helper_pid, "Threads");
	held->files = res_files();
	held->pinned = res_pinned();
}

/* Unknown values (below 0) are never equal. */
static bool equal(const struct held *a, const struct held *b)
{
	return a->files >= 0 && a->pinned >= 0 &&
	       a->helper_fds == b->helper_fds &&
	       a->helper_threads == b->helper_threads &&
	       labs(a->files - b->files) <= SLACK_FILES &&
	       a->pinned == b->pinned;
}

/*
 * Reads the resources when vuserd has closed its part of the first handshakes: when they
 * do not change for QUIET_MS.
 */
static void read_settled(struct held *held)
{
	long long end = clock_ms() + SOON_MS;
	struct held before;

	read_held(held);
	do {
		before = *held;
		usleep(QUIET_MS * 1000);
		read_held(held);
	} while (!equal(held, &before) && clock_ms() < end);
}

static void check_held(const char *name, const struct held *before)
{
	char text[200], why[300];
	long long end = clock_ms() + SETTLE_MS;
	struct held now;
	unsigned int i;
	bool good;

	/*
	 * vuserd closes its part of a handshake after the device is attached,
	 * and the kernel frees files some time after they were closed.
	 */
	do {
		read_held(&now);
		good = equal(&now, before);
	} while (!good && clock_ms() < end);
	snprintf(why, sizeof(why),
		 "vuserd: %d descriptors, %d before, %ld threads, %ld before; "
		 "all: %ld files, %ld before, %ld pinned pages, %ld before",
		 now.helper_fds, before->helper_fds, now.helper_threads,
		 before->helper_threads, now.files, before->files, now.pinned,
		 before->pinned);
	for (i = 0; i < NR_PLAYERS; i++) {
		if (!table->why[i][0])
			continue;
		snprintf(why, sizeof(why), "player %u: %s", i, table->why[i]);
		good = false;
		table->why[i][0] = '\0';
	}
	snprintf(text, sizeof(text), "%s: resources are as before", name);
	result(good, text, why);
}

/* Plays the cases of one action, from the first that was not played. */
static bool play_action(const struct held *before)
{
	unsigned int i = table->next, end = i;
	const struct action *action = table->cases[i].action;
	char name[200];
	bool good;

	while (end < table->nr && table->cases[end].action == action)
		end++;
	good = play_round(end);
	for (; i < end; i++) {
		snprintf(name, sizeof(name), "%s: %s", action->name,
			 table->cases[i].trick->name);
		result(table->cases[i].good, name,
		       table->cases[i].why[0] ? table->cases[i].why :
						"the case did not end");
	}
	if (good)
		check_held(action->name, before);
	return good;
}

static unsigned int nr_rounds(void)
{
	unsigned int i, nr = 0;

	for (i = 0; i < table->nr; i++)
		nr += !i ||
		      table->cases[i].action != table->cases[i - 1].action;
	return nr;
}

/* The free memory in KiB, after the kernel has dropped its caches. */
static long free_memory(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "3", 1) != 1)
		return -1;
	close(fd);
	res_shrink_slabs();
	return res_meminfo("MemAvailable");
}

static void play_all(void)
{
	struct held before;
	char why[100];
	long memory, lost;
	long long end;

	/*
	 * Play one round without cases: some allocations of the first use are
	 * permanent.
	 */
	if (!play_round(0)) {
		printf("Bail out! the players do not start\n");
		return;
	}
	read_settled(&before);
	memory = free_memory();
	while (table->next < table->nr) {
		if (!play_action(&before)) {
			printf("Bail out! a player hangs\n");
			failed = true;
			return;
		}
	}
	/* The kernel returns freed memory after a delay. */
	end = clock_ms() + SOON_MS;
	do {
		lost = memory - free_memory();
	} while (lost >= NOISE && clock_ms() < end);
	snprintf(why, sizeof(why), "%ld KiB less are free", lost);
	printf("# %s\n", why);
	result(memory >= 0 && lost < NOISE, "the machine's memory is as before",
	       why);
}

static int run(int argc, char **argv)
{
	long long start = clock_ms();
	unsigned int i;

	make_table(argc > 1 ? argv[1] : NULL);
	printf("TAP version 13\n1..%u\n", table->nr + nr_rounds() + 1);
	fflush(stdout);
	for (i = 0; i < NR_PLAYERS; i++)
		start_player(i);
	play_all();
	for (i = 0; i < NR_PLAYERS; i++) {
		close(players[i].go);
		if (failed)
			kill(players[i].pid, SIGKILL);
		waitpid(players[i].pid, NULL, 0);
	}
	printf("# %u cases in %lld ms\n", table->nr, clock_ms() - start);
	return failed;
}

/* vuserd logs to a file that the players read. */
int main(int argc, char **argv)
{
	int err = dup(STDERR_FILENO);
	int log = open(HELPER_LOG,
		       O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC,
		       0600);
	pid_t pid;

	if (log < 0 || dup2(log, STDERR_FILENO) < 0)
		return 1;
	pid = helper_start();
	dup2(err, STDERR_FILENO);
	if (pid < 0) {
		printf("1..1\nnot ok 1 - vuserd starts: %s\n", strerror(-pid));
		return 1;
	}
	helper_pid = pid;
	run(argc, argv);
	helper_stop(pid);
	unlink(HELPER_LOG);
	return failed;
}
