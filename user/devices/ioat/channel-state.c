// SPDX-License-Identifier: GPL-2.0
#include "../../common/state-file.h"
#include "channel-state.h"

/* An error: the channel stops. */
void ioat_channel_state_halt(struct ioat_channel *c, uint32_t chanerr)
{
	c->state = IOAT_HALTED;
	c->suspending = false;
	c->chanerr |= chanerr;
	c->chanerr_int |= chanerr & ~c->chanerrmask_int;
}

/* The state that follows from the counts. */
static enum ioat_state state_by_count(const struct ioat_channel *c)
{
	if (c->place.done != c->count)
		return IOAT_ACTIVE;
	return c->place.first ? IOAT_ARMED : IOAT_IDLE;
}

void ioat_channel_state_settle(struct ioat_channel *c)
{
	c->state = c->suspending ? IOAT_SUSPENDED : state_by_count(c);
	c->suspending = false;
	if (ioat_channel_state_runnable(c))
		pthread_cond_signal(&c->work);
}

/* Use up the rearm. Return whether the caller must raise the interrupt. */
static bool take_interrupt(struct ioat_channel *c)
{
	if (!c->armed)
		return false;
	c->armed = false;
	c->attention = true;
	return true;
}

bool ioat_channel_state_result(struct ioat_channel *c)
{
	uint32_t chanerr = c->place.chanerr;
	bool interrupt = c->place.interrupt;

	c->place.chanerr = 0;
	c->place.interrupt = false;
	if (chanerr) {
		ioat_channel_state_halt(c, chanerr);
		interrupt = c->chanctrl & IOAT_CHANCTRL_ERR_INT &&
			    chanerr & ~c->chanerrmask;
	} else {
		ioat_channel_state_settle(c);
	}
	return interrupt && take_interrupt(c);
}

void ioat_channel_state_save(const struct ioat_channel *c,
			     struct ioat_kept_channel *record)
{
	*record = (struct ioat_kept_channel) {
		.place = c->place,
		.serial = c->serial,
		.run = c->run,
		.state = c->state,
		.last_write = c->last_write,
		.count = c->count,
		.chanctrl = c->chanctrl,
		.chainaddr = c->chainaddr,
		.chancmp = c->chancmp,
		.chanerr = c->chanerr,
		.chanerrmask = c->chanerrmask,
		.chanerr_int = c->chanerr_int,
		.chanerrmask_int = c->chanerrmask_int,
		.suspending = c->suspending,
		.armed = c->armed,
		.attention = c->attention,
		.chancmp_valid = c->chancmp_valid,
	};
}

void ioat_channel_state_keep(struct ioat_channel *c)
{
	struct ioat_kept_channel record;

	if (!c->kept)
		return;
	ioat_channel_state_save(c, &record);
	state_file_put(&c->kept->channel_now, c->kept->channel, sizeof(record),
		       &record);
}

void ioat_channel_state_load(struct ioat_channel *c,
			     const struct ioat_kept_channel *record)
{
	c->place = record->place;
	c->serial = record->serial;
	c->run = record->run;
	c->state = record->state;
	c->last_write = record->last_write;
	c->count = record->count;
	c->chanctrl = record->chanctrl;
	c->chainaddr = record->chainaddr;
	c->chancmp = record->chancmp;
	c->chanerr = record->chanerr;
	c->chanerrmask = record->chanerrmask;
	c->chanerr_int = record->chanerr_int;
	c->chanerrmask_int = record->chanerrmask_int;
	c->suspending = record->suspending;
	c->armed = record->armed;
	c->attention = record->attention;
	c->chancmp_valid = record->chancmp_valid;
	atomic_store(&c->live_count, c->count);
}

void ioat_channel_state_restore(struct ioat_channel *c)
{
	const struct ioat_kept *kept = c->kept;
	const struct ioat_kept_progress *progress =
		&kept->progress[kept->progress_now % 2];

	c->held = true;
	ioat_channel_state_load(c, &kept->channel[kept->channel_now % 2]);
	if (progress->run != c->run ||
	    (int32_t)(progress->serial - c->serial) <= 0)
		return;
	c->place = progress->place;
	c->serial = progress->serial;
	/* A descriptor that was started is carried out again, before a suspend. */
	if (!c->place.started)
		ioat_channel_state_result(c);
}
