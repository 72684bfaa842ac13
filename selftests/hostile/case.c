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

/* Timeouts in ms: one that must not expire, and one that must. */
#define LONG_TIMEOUT  10000
#define SHORT_TIMEOUT 250
/*
 * On a busy machine, the short timeout may expire before the trick is played.
 * Then the case is tried again with a timeout that is LONGER times as long.
 */
#define LONGER	4
#define LONGEST (SHORT_TIMEOUT * LONGER * LONGER)

/*
 * The lines of a log about the device: the number of lines, and the last one.
 */
struct lines {
	unsigned int nr;
	char last[1024];
};

static bool fail(struct hostile *h, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(h->why, sizeof(h->why), fmt, ap);
	va_end(ap);
	return false;
}

/* Logs --------------------------------------------------------------------- */

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

/*
 * Counts only lines about the present server: vuserd may connect to others at
 * the same time.
 */
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

/* Whether @text contains one of the alternatives in @wanted. */
static bool contains(const char *text, const char *wanted)
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

/*
 * Checks that the log has one line, with the reason and, if the server sent a
 * message, the header of that message.
 */
static bool explained(struct hostile *h, const char *whose,
		      const struct lines *lines, const char *wanted,
		      bool no_header)
{
	if (lines->nr != 1)
		return fail(h, "%u lines of %s, the last: %s", lines->nr, whose,
			    lines->last);
	if (!contains(lines->last, wanted))
		return fail(h, "the line of %s does not contain \"%s\": %s",
			    whose, wanted, lines->last);
	if (!no_header && !has_header(lines->last))
		return fail(h, "the line of %s has no header: %s", whose,
			    lines->last);
	return true;
}

/* Attaching ---------------------------------------------------------------- */

static int set_timeouts(struct hostile *h, unsigned int ms)
{
	const char *uuid = h->consumer.uuid;
	char text[16];

	snprintf(text, sizeof(text), "%u", ms);
	return mdev_set(uuid, "request_timeout_ms", text) ?:
		       mdev_set(uuid, "close_timeout_ms", text);
}

/*
 * Connects to a server on a new socket, so that vuserd connects at once.  Arms
 * the trick only when the old connection can no longer trigger it.
 */
static int reconnect(struct hostile *h, const struct action *action,
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
		server_arm(&h->server, trick, &action->target);
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

/*
 * Accesses the shared area, whose file may have been truncated: the access
 * succeeds, or raises SIGBUS.
 */
static bool touch_area(struct hostile *h)
{
	volatile uint32_t *bar = h->consumer.bar2;
	int sig = 0;

	if (bar)
		sig = FAULT_OF((void)bar[0]) ?:
			      FAULT_OF((void)bar[HOSTILE_PAGE / 4]);
	return !sig || sig == SIGBUS;
}

/* Outcomes ----------------------------------------------------------------- */

/* Computes the outcome if the table leaves it open. */
static enum outcome outcome_of(const struct action *action,
			       const struct trick *t)
{
	int64_t len = action->len + t->delta;
	bool fits = len <= action->max;

	if (t->nr_fds > action->max_fds)
		return LOST;
	switch (t->outcome) {
	case BY_SIZE:
		/* A payload below 0 bytes cuts into the header. */
		fits = len >= 0 && fits &&
		       (len >= action->min || (action->bare && !len));
		return fits ? FINE : LOST;
	case BY_SIZE_REFUSED:
		fits = t->delta <= (int)action->max ||
		       action->phase == HANDSHAKE;
		return fits ? action->refuses && action->phase == HANDSHAKE ?
			      LOST :
			      REFUSED :
			      LOST;
	case REFUSED:
		if (action->phase == HANDSHAKE)
			return action->refuses ? LOST : FINE;
		return REFUSED;
	case ECHOED:
		return action->echoes ? LOST : FINE;
	default:
		return t->outcome;
	}
}

static bool result_is(struct hostile *h, enum result wanted, int ret)
{
	if (wanted == EITHER || (wanted == SUCCESS) == !ret)
		return true;
	return fail(h, "the consumer got %d", ret);
}

static bool state_is(struct hostile *h, const char *state)
{
	char seen[32] = "";

	if (!mdev_wait(h->consumer.uuid, "state", state, SOON_MS))
		return true;
	mdev_get(h->consumer.uuid, "state", seen, sizeof(seen));
	return fail(h, "the state is %s, not %s", seen, state);
}

/* Checks that the device is lost, while a consumer has it open or opens it. */
static bool is_lost(struct hostile *h, const struct action *action,
		    const struct trick *t, int ret)
{
	enum result wanted = action->phase == CLOSING ? SUCCESS : action->lost;
	struct lines lines;

	h->attached = false;
	if (t->answered)
		wanted = EITHER;
	if (action->phase == OPENING)
		consumer_close(&h->consumer);
	if (!state_is(h, action->phase == OPEN ? "lost" : "created"))
		return false;
	lines = kernel_lines(h);
	return result_is(h, wanted, ret) &&
	       explained(h, "the kernel", &lines, t->why, t->no_header);
}

/* Checks that the device works as before. */
static bool still_works(struct hostile *h, const struct action *action,
			enum outcome outcome, int ret)
{
	enum result wanted = outcome == FINE ? SUCCESS : action->refused;
	struct lines lines;
	int err = 0;

	if (action->phase == OPEN || (action->phase == OPENING && !ret))
		err = consumer_check(&h->consumer);
	if (err)
		return fail(h, "a read afterwards returns %d", err);
	if (action->phase == OPEN && !touch_area(h))
		return fail(h, "the shared area is broken");
	consumer_close(&h->consumer);
	if (!state_is(h, "attached"))
		return false;
	lines = kernel_lines(h);
	if (outcome == FINE && lines.nr)
		return fail(h, "the kernel logs: %s", lines.last);
	return result_is(h, wanted, ret);
}

static bool play_to_consumer(struct hostile *h, const struct action *action,
			     const struct trick *t)
{
	struct consumer *c = &h->consumer;
	int ret = 0;

	if (action->phase != OPENING)
		ret = consumer_open(c);
	if (!ret && action->prepare)
		ret = action->prepare(c);
	if (!ret && t->slow)
		ret = set_timeouts(h, h->hasty);
	/* Otherwise vuserd would attach the server again while the device is open. */
	if (!ret && action->phase == OPEN && outcome_of(action, t) == LOST)
		ret = mdev_set(c->uuid, "endpoint", "");
	if (ret)
		return fail(h, "cannot begin: %s", strerror(-ret));
	kernel_lines(h);
	server_arm(&h->server, t, &action->target);
	ret = action->run(c);
	/* A posted write is complete when a later command is. */
	if (action->posted)
		consumer_check(c);
	if (outcome_of(action, t) == LOST)
		return is_lost(h, action, t, ret);
	return still_works(h, action, outcome_of(action, t), ret);
}

/* Waits until the device's error names the server and the reason. */
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
		found = strstr(seen, h->server.path) && contains(seen, wanted);
		if (found || clock_ms() >= end)
			break;
		poll(&pfd, 1, end - clock_ms());
	}
	close(pfd.fd);
	return found || fail(h, "the error is: %s", seen);
}

/* All replies to a read of configuration space get the same message. */
static const char *helper_text(const struct action *action,
			       const struct trick *t)
{
	if (t->helper && action->target.command == VFIO_USER_REGION_READ &&
	    strcmp(t->helper, "closed the connection") &&
	    strncmp(t->helper, "did not reply", 13))
		return "no reply to a read of configuration space";
	return t->helper ?: "";
}

static bool play_to_helper(struct hostile *h, const struct action *action,
			   const struct trick *t)
{
	const char *text = helper_text(action, t);
	struct lines lines;
	int ret = 0;

	if (t->slow)
		ret = set_timeouts(h, h->hasty);
	if (!ret)
		ret = reconnect(h, action, t);
	if (ret)
		return fail(h, "cannot begin: %s", strerror(-ret));
	if (outcome_of(action, t) == LOST) {
		if (!wait_error(h, text) || !state_is(h, "created"))
			return false;
		lines = helper_lines(h);
		return explained(h, "vuserd", &lines, text, t->no_header);
	}
	if (!state_is(h, "attached"))
		return false;
	ret = consumer_open(&h->consumer);
	if (ret || !touch_area(h))
		return fail(h, "the device cannot be used: %d", ret);
	consumer_close(&h->consumer);
	return true;
}

/* Checks that the next server can be used. */
static bool works_again(struct hostile *h)
{
	int ret = hostile_usable(h);

	return !ret || fail(h, "the device is not usable afterwards: %s",
			    strerror(-ret));
}

static bool play_once(struct hostile *h, const struct action *action,
		      const struct trick *t)
{
	bool good;
	int ret;

	h->why[0] = '\0';
	if (action->phase == HANDSHAKE) {
		good = play_to_helper(h, action, t);
	} else {
		ret = hostile_attach(h);
		if (ret)
			return fail(
				h,
				"the device is not usable after earlier cases: %s",
				strerror(-ret));
		good = play_to_consumer(h, action, t);
	}
	consumer_close(&h->consumer);
	if (t->slow)
		set_timeouts(h, LONG_TIMEOUT);
	return good;
}

bool hostile_play(struct hostile *h, const struct action *action,
		  const struct trick *t)
{
	bool good, played;

	/* Only a new connection sets up a twin socket. */
	if (t->twin)
		h->attached = false;
	h->server.twin = t->twin;
	h->hasty = SHORT_TIMEOUT;
	do {
		good = play_once(h, action, t);
		played = server_disarm(&h->server);
		if (!played)
			h->attached = false;
		h->hasty *= LONGER;
	} while (!played && t->slow && h->hasty <= LONGEST);
	if (good && !played)
		good = fail(h, "the trick was not played");
	if (good && action->phase == HANDSHAKE)
		good = works_again(h);
	if (good && h->server.failed[0])
		good = fail(h, "%s", h->server.failed);
	if (!good || t->twin)
		h->attached = false;
	h->server.twin = false;
	return good;
}

/* Start and stop ----------------------------------------------------------- */

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
