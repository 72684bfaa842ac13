// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/vuser.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/clock.h"
#include "../lib/fault.h"
#include "../lib/mem.h"
#include "../lib/res.h"
#include "../lib/testdev.h"
#include "case.h"

/* Time-outs, ms: where none is to pass, and where one is. */
#define PATIENT 10000
#define HASTY	250
/* A busy machine may be late before the trick is played: so many more tries. */
#define LONGER	4
#define LONGEST (HASTY * LONGER * LONGER)

/* What a log says of the device: how many lines, and the last of them. */
struct lines {
	unsigned int nr;
	char last[1024];
};

static bool no(struct hostile *h, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(h->why, sizeof(h->why), fmt, ap);
	va_end(ap);
	return false;
}

/* Logs -------------------------------------------------------------------- */

static void take_line(struct lines *lines, const char *line, const char *about)
{
	if (!strstr(line, about))
		return;
	lines->nr++;
	snprintf(lines->last, sizeof(lines->last), "%.*s",
		 (int)sizeof(lines->last) - 1, line);
}

static struct lines kernel_lines(struct hostile *h)
{
	struct lines lines = {};
	char rec[8192];
	ssize_t len;

	for (;;) {
		len = read(h->klog, rec, sizeof(rec) - 1);
		if (len < 0 && errno == EPIPE)
			continue;
		if (len <= 0)
			return lines;
		rec[len] = '\0';
		take_line(&lines, rec, h->consumer.uuid);
	}
}

/* Only of the server that there is now: others may be tried meanwhile. */
static struct lines helper_lines(struct hostile *h)
{
	char buf[65536], *line, *save = NULL;
	struct lines lines = {};
	ssize_t len;

	while ((len = read(h->helper_log, buf, sizeof(buf) - 1)) > 0) {
		buf[len] = '\0';
		for (line = strtok_r(buf, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save))
			take_line(&lines, line, h->server.path);
	}
	return lines;
}

/* Is one of the alternatives of @wanted in @text? */
static bool says(const char *text, const char *wanted)
{
	char copy[256], *word, *save = NULL;

	if (!wanted)
		return true;
	snprintf(copy, sizeof(copy), "%s", wanted);
	for (word = strtok_r(copy, "|", &save); word;
	     word = strtok_r(NULL, "|", &save))
		if (strstr(text, word))
			return true;
	return false;
}

static bool has_header(const char *text)
{
	const char *id = strstr(text, "id 0x");

	return id && strstr(id, " command ") && strstr(id, " size ");
}

/* One line that says what it was and, where there was one, its header. */
static bool explained(struct hostile *h, const char *whose,
		      const struct lines *lines, const char *wanted,
		      bool no_header)
{
	if (lines->nr != 1)
		return no(h, "%u lines of %s's, the last: %s", lines->nr, whose,
			  lines->last);
	if (!says(lines->last, wanted))
		return no(h, "%s's line does not say \"%s\": %s", whose, wanted,
			  lines->last);
	if (!no_header && !has_header(lines->last))
		return no(h, "%s's line has no header: %s", whose, lines->last);
	return true;
}

/* Attaching --------------------------------------------------------------- */

static int set_timeouts(struct hostile *h, unsigned int ms)
{
	const char *uuid = h->consumer.uuid;
	char text[16];

	snprintf(text, sizeof(text), "%u", ms);
	return mdev_set(uuid, "request_timeout_ms", text) ?:
		       mdev_set(uuid, "close_timeout_ms", text);
}

/*
 * A new socket, so that vuserd tries at once.  The trick is armed in between,
 * when the connection before can trigger it no more.
 */
static int reconnect(struct hostile *h, const struct act *act,
		     const struct trick *trick)
{
	const char *uuid = h->consumer.uuid;
	int ret;

	h->attached = false;
	ret = server_next(&h->server);
	if (ret)
		return ret;
	ret = mdev_wait(uuid, "state", "created", SOON_MS);
	if (ret)
		return ret;
	kernel_lines(h);
	helper_lines(h);
	if (trick)
		server_arm(&h->server, trick, &act->target);
	return mdev_set(uuid, "endpoint", h->server.path);
}

int hostile_attach(struct hostile *h)
{
	int ret;

	if (h->attached)
		return 0;
	ret = reconnect(h, NULL, NULL);
	if (!ret)
		ret = mdev_wait(h->consumer.uuid, "state", "attached", SOON_MS);
	h->attached = !ret;
	return ret;
}

int hostile_usable(struct hostile *h)
{
	int ret = hostile_attach(h);

	if (!ret)
		ret = consumer_open(&h->consumer);
	consumer_close(&h->consumer);
	return ret;
}

/* A file that somebody else may have made smaller: it works, or SIGBUS. */
static bool touch_area(struct hostile *h)
{
	volatile uint32_t *bar = h->consumer.bar2;
	int sig = 0;

	if (bar)
		sig = FAULT_OF((void)bar[0]) ?:
			      FAULT_OF((void)bar[HOSTILE_PAGE / 4]);
	return !sig || sig == SIGBUS;
}

/* Fates ------------------------------------------------------------------- */

/* What the tables leave to be worked out. */
static enum fate fate_of(const struct act *act, const struct trick *t)
{
	int64_t len = act->len + t->delta;
	bool fits = len <= act->max;

	if (t->nr_fds > act->max_fds)
		return LOST;
	switch (t->fate) {
	case BY_SIZE:
		/* Less than nothing cuts into the header. */
		fits = len >= 0 && fits &&
		       (len >= act->min || (act->bare && !len));
		return fits ? FINE : LOST;
	case BY_SIZE_REFUSED:
		fits = t->delta <= (int)act->max || act->phase == HANDSHAKE;
		return fits ? act->refuses && act->phase == HANDSHAKE ?
			      LOST :
			      REFUSED :
			      LOST;
	case REFUSED:
		if (act->phase == HANDSHAKE)
			return act->refuses ? LOST : FINE;
		return REFUSED;
	case ECHOED:
		return act->echoes ? LOST : FINE;
	default:
		return t->fate;
	}
}

static bool result_is(struct hostile *h, enum result wanted, int ret)
{
	if (wanted == EITHER || (wanted == GOOD) == !ret)
		return true;
	return no(h, "the consumer got %d", ret);
}

static bool state_is(struct hostile *h, const char *state)
{
	char seen[32] = "";

	if (!mdev_wait(h->consumer.uuid, "state", state, SOON_MS))
		return true;
	mdev_get(h->consumer.uuid, "state", seen, sizeof(seen));
	return no(h, "the state is %s, not %s", seen, state);
}

/* Lost while a consumer had it, or was about to. */
static bool is_lost(struct hostile *h, const struct act *act,
		    const struct trick *t, int ret)
{
	enum result wanted = act->phase == CLOSING ? GOOD : act->lost;
	struct lines lines;

	h->attached = false;
	if (t->answered)
		wanted = EITHER;
	if (act->phase == OPENING)
		consumer_close(&h->consumer);
	if (!state_is(h, act->phase == OPEN ? "lost" : "created"))
		return false;
	lines = kernel_lines(h);
	return result_is(h, wanted, ret) &&
	       explained(h, "the kernel", &lines, t->why, t->no_header);
}

/* It works as before. */
static bool goes_on(struct hostile *h, const struct act *act, enum fate fate,
		    int ret)
{
	enum result wanted = fate == FINE ? GOOD : act->refused;
	struct lines lines;
	int err = 0;

	if (act->phase == OPEN || (act->phase == OPENING && !ret))
		err = consumer_check(&h->consumer);
	if (err)
		return no(h, "a read afterwards gives %d", err);
	if (act->phase == OPEN && !touch_area(h))
		return no(h, "the shared area is broken");
	consumer_close(&h->consumer);
	if (!state_is(h, "attached"))
		return false;
	lines = kernel_lines(h);
	if (fate == FINE && lines.nr)
		return no(h, "the kernel says: %s", lines.last);
	return result_is(h, wanted, ret);
}

static bool play_to_consumer(struct hostile *h, const struct act *act,
			     const struct trick *t)
{
	struct consumer *c = &h->consumer;
	int ret = 0;

	if (act->phase != OPENING)
		ret = consumer_open(c);
	if (!ret && act->prepare)
		ret = act->prepare(c);
	if (!ret && t->slow)
		ret = set_timeouts(h, h->hasty);
	if (ret)
		return no(h, "cannot begin: %s", strerror(-ret));
	kernel_lines(h);
	server_arm(&h->server, t, &act->target);
	ret = act->run(c);
	/* A posted write is done when what comes behind it is. */
	if (act->posted)
		consumer_check(c);
	if (fate_of(act, t) == LOST)
		return is_lost(h, act, t, ret);
	return goes_on(h, act, fate_of(act, t), ret);
}

/* Waits until the device has an error that says so of the server. */
static bool wait_error(struct hostile *h, const char *wanted)
{
	long long end = clock_ms() + SOON_MS;
	struct pollfd pfd = { .events = POLLPRI | POLLERR };
	char path[256], seen[300] = "";

	bool found;

	snprintf(path, sizeof(path), MDEV_DEVICES "/%s/vuser/error",
		 h->consumer.uuid);
	pfd.fd = open(path, O_RDONLY | O_CLOEXEC);
	for (;;) {
		ssize_t len = pread(pfd.fd, seen, sizeof(seen) - 1, 0);

		seen[len > 0 ? len : 0] = '\0';
		found = strstr(seen, h->server.path) && says(seen, wanted);
		if (found || clock_ms() >= end)
			break;
		poll(&pfd, 1, end - clock_ms());
	}
	close(pfd.fd);
	return found || no(h, "the error is: %s", seen);
}

/* Every answer to a read of configuration space is judged alike. */
static const char *helper_text(const struct act *act, const struct trick *t)
{
	if (t->helper && act->target.command == VFIO_USER_REGION_READ &&
	    strcmp(t->helper, "closed the connection") &&
	    strncmp(t->helper, "did not reply", 13))
		return "no reply to a read of configuration space";
	return t->helper ?: "";
}

static bool play_to_helper(struct hostile *h, const struct act *act,
			   const struct trick *t)
{
	const char *text = helper_text(act, t);
	struct lines lines;
	int ret = 0;

	if (t->slow)
		ret = set_timeouts(h, h->hasty);
	if (!ret)
		ret = reconnect(h, act, t);
	if (ret)
		return no(h, "cannot begin: %s", strerror(-ret));
	if (fate_of(act, t) == LOST) {
		if (!wait_error(h, text) || !state_is(h, "created"))
			return false;
		lines = helper_lines(h);
		return explained(h, "vuserd", &lines, text, t->no_header);
	}
	if (!state_is(h, "attached"))
		return false;
	ret = consumer_open(&h->consumer);
	if (ret || !touch_area(h))
		return no(h, "it cannot be used: %d", ret);
	consumer_close(&h->consumer);
	return true;
}

/* The next server does better. */
static bool comes_back(struct hostile *h)
{
	int ret = hostile_usable(h);

	return !ret || no(h, "not usable afterwards: %s", strerror(-ret));
}

static bool play_once(struct hostile *h, const struct act *act,
		      const struct trick *t)
{
	bool good;
	int ret;

	h->why[0] = '\0';
	if (act->phase == HANDSHAKE) {
		good = play_to_helper(h, act, t);
	} else {
		ret = hostile_attach(h);
		if (ret)
			return no(h, "not usable after what was before: %s",
				  strerror(-ret));
		good = play_to_consumer(h, act, t);
	}
	consumer_close(&h->consumer);
	if (t->slow)
		set_timeouts(h, PATIENT);
	return good;
}

bool hostile_play(struct hostile *h, const struct act *act,
		  const struct trick *t)
{
	bool good, played;

	/* Its twin comes with the next connection. */
	if (t->twin)
		h->attached = false;
	h->server.twin = t->twin;
	h->hasty = HASTY;
	do {
		good = play_once(h, act, t);
		played = server_disarm(&h->server);
		if (!played)
			h->attached = false;
		h->hasty *= LONGER;
	} while (!played && t->slow && h->hasty <= LONGEST);
	if (good && !played)
		good = no(h, "the trick was not played");
	if (good && act->phase == HANDSHAKE)
		good = comes_back(h);
	if (good && h->server.failed[0])
		good = no(h, "%s", h->server.failed);
	if (!good || t->twin)
		h->attached = false;
	h->server.twin = false;
	return good;
}

/* Life -------------------------------------------------------------------- */

int hostile_start(struct hostile *h, const char *helper_log)
{
	struct consumer *c = &h->consumer;
	int ret;

	memset(h, 0, sizeof(*h));
	c->dev = (struct vfio_dev)VFIO_DEV_INIT;
	c->event = eventfd(0, EFD_CLOEXEC);
	c->mem = mem_anon(4 * HOSTILE_PAGE);
	h->klog = klog_open();
	h->helper_log = open(helper_log, O_RDONLY | O_CLOEXEC);
	if (c->event < 0 || !c->mem || h->klog < 0 || h->helper_log < 0)
		return -EIO;
	ret = server_start(&h->server);
	if (ret)
		return ret;
	uuid_new(c->uuid);
	return mdev_create(c->uuid);
}

void hostile_stop(struct hostile *h)
{
	mdev_remove(h->consumer.uuid);
	server_stop(&h->server);
	munmap(h->consumer.mem, 4 * HOSTILE_PAGE);
	close(h->consumer.event);
	close(h->klog);
	close(h->helper_log);
}
