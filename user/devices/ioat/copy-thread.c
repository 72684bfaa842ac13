// SPDX-License-Identifier: GPL-2.0
/*
 * The copy thread.
 *
 * It takes a burst of descriptors, carries them out without the lock, and
 * publishes the results only if their run is still the current one. Meanwhile
 * two atomic members show its progress. A lock would be slower: taking it would
 * wait until the store buffer is empty of copied data.
 */
#include <signal.h>

#include "channel-state.h"
#include "copy-thread.h"

/**
 * struct burst - descriptors that are carried out without the lock
 * @run: the run that the descriptors belong to
 * @first: the next descriptor is the one at CHAINADDR
 * @done: number of completed descriptors since the chain was armed
 * @next: the next descriptor
 * @completed: the last completed descriptor
 * @chanctrl: CHANCTRL when the burst began
 * @chancmp: CHANCMP when the burst began
 * @chancmp_valid: CHANCMP was written
 * @desc: the current descriptor
 * @chanerr: errors of the current descriptor
 */
struct burst {
	unsigned int run;
	bool first;
	uint16_t done;
	uint64_t next;
	uint64_t completed;
	uint16_t chanctrl;
	uint64_t chancmp;
	bool chancmp_valid;
	struct ioat_desc desc;
	uint32_t chanerr;
};

static void begin(struct ioat_channel *c, struct burst *b)
{
	*b = (struct burst) {
		.run = c->run,
		.first = c->first,
		.done = c->done,
		.next = c->next,
		.completed = c->completed,
		.chanctrl = c->chanctrl,
		.chancmp = c->chancmp,
		.chancmp_valid = c->chancmp_valid,
	};
	ioat_engine_discard(&c->engine);
	c->busy = true;
	c->busy_run = c->run;
	atomic_store(&c->yield, false);
	atomic_store(&c->live_current, c->current);
	atomic_store(&c->live_completed, c->completed);
}

static bool count_reached(struct ioat_channel *c, uint16_t done)
{
	return done == atomic_load_explicit(&c->count, memory_order_acquire);
}

/* A completion has the value that CHANSTS will read as. */
static int complete(struct ioat_channel *c, struct burst *b)
{
	enum ioat_state state = IOAT_ACTIVE;

	if (!b->chancmp_valid || !(b->desc.control & IOAT_DESC_COMPLETION))
		return 0;
	if (count_reached(c, b->done + 1))
		state = IOAT_IDLE;
	return ioat_engine_complete(&c->engine, b->chancmp, b->next | state,
				    &b->chanerr);
}

static void complete_error(struct ioat_channel *c, struct burst *b)
{
	if (b->chancmp_valid && b->chanctrl & IOAT_CHANCTRL_ERR_CMP)
		ioat_engine_complete(&c->engine, b->chancmp,
				     b->completed | IOAT_HALTED, &b->chanerr);
}

static int carry_out(struct ioat_channel *c, struct burst *b)
{
	uint16_t due =
		atomic_load_explicit(&c->count, memory_order_acquire) - b->done;
	int ret;

	ret = ioat_engine_fetch(&c->engine, b->next, b->first, due, &b->desc,
				&b->chanerr);
	if (!ret)
		ret = ioat_engine_run(&c->engine, &b->desc, &b->chanerr);
	/* The descriptor may have written the descriptors that follow. */
	if (b->desc.control & IOAT_DESC_FENCE)
		ioat_engine_discard(&c->engine);
	if (!ret)
		ret = complete(c, b);
	return ret;
}

/* Carry out the next descriptor. Return whether it succeeded. */
static bool step(struct ioat_channel *c, struct burst *b)
{
	atomic_store_explicit(&c->live_current, b->next, memory_order_relaxed);
	if (carry_out(c, b)) {
		if (b->chanerr)
			complete_error(c, b);
		return false;
	}
	b->completed = b->next;
	b->next = b->desc.next;
	b->first = false;
	b->done++;
	atomic_store_explicit(&c->live_completed, b->completed,
			      memory_order_release);
	return true;
}

/* Whether the burst can continue without taking the lock. */
static bool go_on(struct ioat_channel *c, const struct burst *b)
{
	return !(b->desc.control & IOAT_DESC_INT) &&
	       !count_reached(c, b->done) && !atomic_load(&c->yield) &&
	       !atomic_load(&c->engine.stop);
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

/* Publish the results. Return whether the caller must raise the interrupt. */
static bool publish(struct ioat_channel *c, const struct burst *b)
{
	c->busy = false;
	atomic_store(&c->engine.stop, false);
	pthread_cond_broadcast(&c->quiet);
	if (b->run != c->run) {
		if (c->state == IOAT_ACTIVE)
			ioat_channel_state_settle(c);
		return false;
	}
	c->first = b->first;
	c->done = b->done;
	c->next = b->next;
	c->completed = b->completed;
	c->current = atomic_load(&c->live_current);
	if (b->chanerr) {
		ioat_channel_state_halt(c, b->chanerr);
		return c->chanctrl & IOAT_CHANCTRL_ERR_INT &&
		       b->chanerr & ~c->chanerrmask && take_interrupt(c);
	}
	ioat_channel_state_settle(c);
	return b->desc.control & IOAT_DESC_INT && take_interrupt(c);
}

/*
 * Called with the lock held. Drops it while descriptors are carried out and while
 * the interrupt is raised.
 */
static void do_burst(struct ioat_channel *c)
{
	struct burst b;

	begin(c, &b);
	pthread_mutex_unlock(&c->lock);
	while (step(c, &b) && go_on(c, &b))
		;
	pthread_mutex_lock(&c->lock);
	if (publish(c, &b)) {
		pthread_mutex_unlock(&c->lock);
		c->irq.raise(c->irq.ctx);
		pthread_mutex_lock(&c->lock);
	}
}

static void *copy_thread(void *arg)
{
	struct ioat_channel *c = arg;
	const struct ioat_dma *dma = &c->engine.dma;

	pthread_mutex_lock(&c->lock);
	while (!c->quit) {
		if (ioat_channel_state_runnable(c)) {
			do_burst(c);
			continue;
		}
		dma->ops->release(dma->ctx);
		pthread_cond_wait(&c->work, &c->lock);
	}
	dma->ops->release(dma->ctx);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/**
 * ioat_copy_thread_start - start the thread of a channel
 * @c: channel; its member quit ends the thread
 *
 * Return: 0 or -errno.
 */
int ioat_copy_thread_start(struct ioat_channel *c)
{
	sigset_t all, old;
	int ret;

	/* The thread that runs the event loop handles signals. */
	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&c->thread, NULL, copy_thread, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -ret;
}
