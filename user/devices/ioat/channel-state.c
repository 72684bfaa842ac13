// SPDX-License-Identifier: GPL-2.0
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
	if (c->done != c->count)
		return IOAT_ACTIVE;
	return c->first ? IOAT_ARMED : IOAT_IDLE;
}

void ioat_channel_state_settle(struct ioat_channel *c)
{
	c->state = c->suspending ? IOAT_SUSPENDED : state_by_count(c);
	c->suspending = false;
	if (ioat_channel_state_runnable(c))
		pthread_cond_signal(&c->work);
}
