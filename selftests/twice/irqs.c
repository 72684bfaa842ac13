// SPDX-License-Identifier: GPL-2.0
/* Operations: SET_IRQS. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "twice.h"

#define NONE	VFIO_IRQ_SET_DATA_NONE
#define BOOL	VFIO_IRQ_SET_DATA_BOOL
#define EVENTFD VFIO_IRQ_SET_DATA_EVENTFD
#define MASK	VFIO_IRQ_SET_ACTION_MASK
#define UNMASK	VFIO_IRQ_SET_ACTION_UNMASK
#define TRIGGER VFIO_IRQ_SET_ACTION_TRIGGER

/* What follows the structure. */
enum data {
	GOOD, /* bools that are true, eventfds of the vectors */
	NOTHING, /* bools that are false, -1 */
	FIRST_BAD, /* a descriptor that is not open */
	SECOND_BAD,
	FIRST_OTHER, /* a file that is not an eventfd */
	MINUS_2,
	SHORT, /* argsz is one byte too small */
	NO_MEMORY, /* memory that is not there */
	HEADER_SHORT, /* argsz is smaller than the structure */
	NR_DATA,
};

#define MAX_DATA 64

static int good_fd(struct side *side, uint32_t flags, uint64_t vector)
{
	return flags & UNMASK ? side->unmask : side->events[vector % NR_EVENTS];
}

static void fill_fds(struct side *side, int *fds, uint32_t flags,
		     uint64_t start, uint64_t data)
{
	int i;

	for (i = 0; i < MAX_DATA; i++)
		fds[i] = data == NOTHING ? -1 : good_fd(side, flags, start + i);
	if (data == FIRST_BAD)
		fds[0] = 1000;
	if (data == SECOND_BAD)
		fds[1] = 1000;
	if (data == FIRST_OTHER)
		fds[0] = other_file();
	if (data == MINUS_2)
		fds[0] = -2;
}

/* The bytes that @flags and @count want after the structure. */
static size_t data_size(uint32_t flags, uint32_t count)
{
	if (flags & EVENTFD)
		return count * sizeof(int);
	return flags & BOOL ? count : 0;
}

/* True if the call may have changed which eventfds the vectors have. */
static bool may_change(uint32_t flags, uint32_t count, uint64_t data, long ret)
{
	if (!(flags & TRIGGER) || (!(flags & EVENTFD) && count))
		return false;
	return !ret || ret == -EBADF || data == FIRST_OTHER;
}

static const char *const signals[NR_EVENTS] = {
	"signal0", "signal1", "signal2", "signal3",
	"signal4", "signal5", "signal6", "signal7",
};

/* Adds how often each eventfd was signalled. */
static void take_signals(struct side *side, struct result *res)
{
	uint64_t count;
	int i;

	for (i = 0; i < NR_EVENTS; i++) {
		if (read(side->events[i], &count, sizeof(count)) < 0)
			count = 0;
		result_add(res, signals[i], count);
	}
}

/* Triggers all vectors of an index, to see which have an eventfd. */
static void trigger_all(struct side *side, uint32_t index, struct result *res)
{
	struct vfio_irq_info info;

	if (irq_info(side->dev.device, index, &info))
		info.count = 0;
	result_add(res, "trigger",
		   irq_set(side->dev.device, NONE | TRIGGER, index, 0,
			   info.count, NULL, 0));
}

static void set_irqs(struct side *side, const uint64_t *args,
		     struct result *res)
{
	uint32_t flags = args[0], index = args[1], start = args[2],
		 count = args[3];
	uint64_t data = args[4] % NR_DATA;
	union {
		struct vfio_irq_set set;
		char room[sizeof(struct vfio_irq_set) + MAX_DATA * sizeof(int)];
	} buf = { .set = { sizeof(buf), flags, index, start, count } };
	struct vfio_irq_set *set = &buf.set;
	long ret;

	if (flags & EVENTFD)
		fill_fds(side, (int *)set->data, flags, start, data);
	else
		memset(set->data, data != NOTHING, MAX_DATA);
	if (data == SHORT)
		set->argsz = sizeof(*set) + data_size(flags, count) - 1;
	if (data == HEADER_SHORT)
		set->argsz = sizeof(*set) - 1;
	if (data == NO_MEMORY) {
		set = guarded(sizeof(*set));
		*set = buf.set;
	}

	ret = result_ret(res,
			 ioctl(side->dev.device, VFIO_DEVICE_SET_IRQS, set));
	take_signals(side, res);
	if (may_change(flags, count, data, ret)) {
		side->irqs_changed = true;
		trigger_all(side, index, res);
		take_signals(side, res);
	}
}

static const uint64_t flags[] = {
	NONE | TRIGGER,
	BOOL | TRIGGER,
	EVENTFD | TRIGGER,
	NONE | MASK,
	BOOL | MASK,
	EVENTFD | MASK,
	NONE | UNMASK,
	BOOL | UNMASK,
	EVENTFD | UNMASK,
	0,
	NONE,
	TRIGGER,
	NONE | BOOL | TRIGGER,
	BOOL | EVENTFD | TRIGGER,
	NONE | MASK | TRIGGER,
	NONE | MASK | UNMASK,
	EVENTFD | TRIGGER | 1 << 6,
	NONE | TRIGGER | 1U << 31,
};

static const uint64_t indexes[] = { 0, 1, 2, 3, 4, 5, 1000 };
static const uint64_t starts[] = { 0, 1, -1U };
static const uint64_t counts[] = { 0, 1, 4, -1U };
static const uint64_t datas[] = {
	GOOD,	 NOTHING, FIRST_BAD, SECOND_BAD,   FIRST_OTHER,
	MINUS_2, SHORT,	  NO_MEMORY, HEADER_SHORT,
};

const struct op irq_ops[] = { { "set_irqs",
				set_irqs,
				{ ARG("flags", flags), ARG("index", indexes),
				  ARG("start", starts), ARG("count", counts),
				  ARG("data", datas) } },
			      {} };
